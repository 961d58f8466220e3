// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "base/failpoint.h"
#include "server/pipeline.h"

namespace keymast::server {

Committer::Committer(Durable& durable, std::function<void()> on_done)
    : durable_(durable), on_done_(std::move(on_done)), thread_([this] { Run(); }) {}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Committer::Start(const std::vector<rekey::Change>& changes) {
  {
    const std::lock_guard lock(mutex_);
    KEYMAST_CHECK(work_ == nullptr && !job_ && !done_);
    work_ = &changes;
  }
  changed_.notify_all();
}

void Committer::StartJob(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    KEYMAST_CHECK(work_ == nullptr && !job_ && !done_);
    job_ = std::move(job);
  }
  changed_.notify_all();
}

std::optional<Committer::Done> Committer::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, std::nullopt);
}

Committer::Done Committer::Wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return done_.has_value(); });
  return *std::exchange(done_, std::nullopt);
}

void Committer::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || work_ != nullptr || job_; });
    if (work_ == nullptr && !job_) return;
    const std::vector<rekey::Change>* changes = work_;
    const std::function<void()> job = job_;
    lock.unlock();
    const auto begun = std::chrono::steady_clock::now();
    PassFailpoint("server.commit.taken");
    if (job) job();
    const Result<uint64_t> revision =
        changes == nullptr ? Result<uint64_t>(durable_.revision()) : durable_.Commit(*changes);
    const Duration took = std::chrono::steady_clock::now() - begun;
    PassFailpoint("server.commit.done");
    lock.lock();
    work_ = nullptr;
    job_ = nullptr;
    done_ = Done{revision, took};
    changed_.notify_all();
    // The owner would wake up only to wait for the lock.
    lock.unlock();
    on_done_();
    lock.lock();
  }
}

}  // namespace keymast::server
