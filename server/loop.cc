// SPDX-License-Identifier: Apache-2.0
#include "server/loop.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace keymast::server {
namespace {

constexpr int kMaxEvents = 64;

void Empty(int fd) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t size = read(fd, &count, sizeof count);
}

}  // namespace

Loop::Loop(const shell::SystemClock& clock)
    : clock_(clock),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  KEYMAST_CHECK(epoll_ >= 0 && timer_ >= 0 && wake_ >= 0);
  Watch(wake_, EPOLLIN, [this](uint32_t) { Empty(wake_); });
  Watch(timer_, EPOLLIN, [this](uint32_t) {
    Empty(timer_);
    armed_ = kNever;
  });
}

Loop::~Loop() {
  close(wake_);
  close(timer_);
  close(epoll_);
}

void Loop::Watch(int fd, uint32_t events, Ready ready) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  KEYMAST_CHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
  ready_[fd] = std::make_shared<Ready>(std::move(ready));
}

void Loop::Change(int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  KEYMAST_CHECK(epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0);
}

void Loop::Forget(int fd) {
  KEYMAST_CHECK(epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr) == 0);
  ready_.erase(fd);
}

void Loop::WakeAt(Instant at) {
  if (at == armed_) return;
  armed_ = at;
  itimerspec spec{};
  if (at != kNever) {
    // Zero would disarm the timer.
    const int64_t nanos = std::max<int64_t>(clock_.ToBoottime(at), 1);
    spec.it_value.tv_sec = nanos / 1'000'000'000;
    spec.it_value.tv_nsec = nanos % 1'000'000'000;
  }
  KEYMAST_CHECK(timerfd_settime(timer_, TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

void Loop::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = write(wake_, &one, sizeof one);
}

bool Loop::Call(int milliseconds) {
  std::array<epoll_event, kMaxEvents> events{};
  const int count = epoll_wait(epoll_, events.data(), kMaxEvents, milliseconds);
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<size_t>(i)];
    const auto found = ready_.find(event.data.fd);
    if (found == ready_.end()) continue;  // forgotten by a callback before this one
    const std::shared_ptr<Ready> ready = found->second;
    (*ready)(event.events);
  }
  return count != 0;
}

}  // namespace keymast::server
