// SPDX-License-Identifier: Apache-2.0
#include "headend/saver.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/failpoint.h"

namespace keymast::headend {

Saver::Saver(const StateFile& file)
    : file_(file), fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), thread_([this] { Run(); }) {
  KEYMAST_CHECK(fd_ >= 0);
}

Saver::~Saver() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
  close(fd_);
}

void Saver::Begin(State state) {
  {
    const std::lock_guard lock(mutex_);
    KEYMAST_CHECK(!waiting_ && !outcome_);
    waiting_ = std::move(state);
  }
  changed_.notify_one();
}

std::optional<Status> Saver::Take() {
  eventfd_t ignored = 0;
  eventfd_read(fd_, &ignored);
  const std::lock_guard lock(mutex_);
  return std::exchange(outcome_, std::nullopt);
}

void Saver::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || waiting_; });
    if (!waiting_) return;
    const State state = std::move(*waiting_);
    lock.unlock();
    PassFailpoint("headend.save.before");
    const Status saved = file_.Save(state);
    PassFailpoint("headend.save.done");
    lock.lock();
    waiting_.reset();
    outcome_ = saved;
    eventfd_write(fd_, 1);
  }
}

}  // namespace keymast::headend
