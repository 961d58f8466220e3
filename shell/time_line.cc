// SPDX-License-Identifier: Apache-2.0
#include "shell/time_line.h"

#include <algorithm>

namespace keymast::shell {
namespace {

constexpr int64_t kSlower = 8;  // of so many nanoseconds one is left out
// More is not taken at once, so that products stay in range; Approach is called again.
constexpr int64_t kMostAhead = Duration(std::chrono::hours(24 * 365)).count();

}  // namespace

TimeLine::TimeLine(const ClockReading& now) : boottime_(now.boottime), utc_(now.wall) {}

Instant TimeLine::At(int64_t boottime) const {
  const int64_t passed = boottime - boottime_;
  const int64_t lost = std::clamp<int64_t>(passed / kSlower, 0, ahead_);
  return FromUnixNanos(utc_ + passed - lost);
}

int64_t TimeLine::BoottimeOf(Instant instant) const {
  const int64_t run = ToUnixNanos(instant) - utc_;
  if (run <= 0) return boottime_ + run;
  // Of kSlower nanoseconds the line runs through all but the last.
  return boottime_ + run + std::min((run - 1) / (kSlower - 1), ahead_);
}

Duration TimeLine::OffsetAt(const ClockReading& now) const {
  return FromUnixNanos(now.wall) - At(now.boottime);
}

void TimeLine::JumpTo(Instant instant, int64_t boottime) {
  if (instant <= At(boottime)) return;
  *this = TimeLine({boottime, ToUnixNanos(instant)});
}

void TimeLine::Approach(const ClockReading& now, bool may_jump) {
  const Duration offset = OffsetAt(now);
  if (offset > -kTogether && offset < kTogether) return;
  if (offset > Duration::zero() && may_jump) return JumpTo(FromUnixNanos(now.wall), now.boottime);
  *this = TimeLine({now.boottime, ToUnixNanos(At(now.boottime))});
  ahead_ = std::clamp<int64_t>(-offset.count(), 0, kMostAhead);
}

}  // namespace keymast::shell
