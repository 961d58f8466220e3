// SPDX-License-Identifier: Apache-2.0
// A loop over descriptors: level-triggered epoll, one thread.
#pragma once

#include <sys/epoll.h>

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/time.h"
#include "shell/process.h"

namespace keymast::server {

class Loop {
 public:
  // Called with the epoll events that came. It may watch and forget descriptors, its own too.
  using Ready = std::function<void(uint32_t events)>;

  explicit Loop(const shell::SystemClock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void Watch(int fd, uint32_t events, Ready ready);
  void Change(int fd, uint32_t events);
  // Forget before closing the descriptor.
  void Forget(int fd);

  // WakeAt arms the one timer, on CLOCK_BOOTTIME: the next Turn ends then at the latest.
  void WakeAt(Instant at);
  // ClockMoved is told when the clock's line was moved: the timer is armed anew by the next WakeAt.
  void ClockMoved() { armed_ = std::nullopt; }
  // Wake ends the Turn that waits now. The only function that other threads may call.
  void Wake();
  // Turn waits until something is ready or the timer goes off, and calls what is ready. Peek does
  // not wait: false when nothing was ready.
  void Turn() { Call(-1); }
  bool Peek() { return Call(0); }

 private:
  bool Call(int milliseconds);

  const shell::SystemClock& clock_;
  int epoll_;
  int timer_;
  int wake_;
  std::optional<Instant> armed_ = kNever;
  // Shared, so that a callback that forgets itself stays alive while it runs.
  std::unordered_map<int, std::shared_ptr<Ready>> ready_;
};

}  // namespace keymast::server
