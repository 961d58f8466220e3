// SPDX-License-Identifier: Apache-2.0
// The one time line of a program: UTC on CLOCK_BOOTTIME, also while the wall clock is wrong or set.
#pragma once

#include "base/time.h"

namespace keymast::shell {

// ClockReading is what the two clocks of the machine said at one moment, in nanoseconds.
struct ClockReading {
  int64_t boottime = 0;
  int64_t wall = 0;
};

// TimeLine never goes back. A wall clock ahead of it is followed in one jump, one behind it by
// running slower, by one part in eight, until both meet: an hour takes eight. Both happen in
// Approach alone, so that whoever calls it chooses the moment.
class TimeLine {
 public:
  // Less than this apart is together: so far readings of both clocks differ by themselves.
  static constexpr Duration kTogether = std::chrono::milliseconds(5);

  // Begins with the wall clock.
  explicit TimeLine(const ClockReading& now);

  Instant At(int64_t boottime) const;
  // BoottimeOf is the first at which the line is at `instant` or behind it.
  int64_t BoottimeOf(Instant instant) const;
  // OffsetAt is the wall clock minus the line.
  Duration OffsetAt(const ClockReading& now) const;

  // JumpTo moves the line to an instant ahead; what lies behind it is ignored.
  void JumpTo(Instant instant, int64_t boottime);
  // Approach brings the line closer to the wall clock, forward only if it `may_jump`.
  void Approach(const ClockReading& now, bool may_jump);

 private:
  // From `boottime_` on the line runs from `utc_`, and loses `ahead_` on the way.
  int64_t boottime_;
  int64_t utc_;
  int64_t ahead_ = 0;
};

}  // namespace keymast::shell
