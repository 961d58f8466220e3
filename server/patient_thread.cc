// SPDX-License-Identifier: Apache-2.0
#include "server/patient_thread.h"

namespace keymast::server {

PatientThread::PatientThread() : thread_([this] { Work(); }) {}

PatientThread::~PatientThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool PatientThread::Run(std::function<void()> job, Duration patience) {
  std::unique_lock lock(mutex_);
  if (job_) return false;
  job_ = std::move(job);
  changed_.notify_all();
  return changed_.wait_for(lock, patience, [this] { return !job_; });
}

void PatientThread::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || job_; });
    if (!job_) return;
    lock.unlock();
    job_();
    lock.lock();
    job_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace keymast::server
