// SPDX-License-Identifier: Apache-2.0
// Where on the time line a channel's ticks fall. Periods start at a phase that is the channel's
// own, so that thousands of channels with one period do not all tick in the same millisecond, and
// the same after every restart, because the phase comes from the channel id.
#pragma once

#include "base/ids.h"
#include "base/time.h"

namespace keymast::rekey {

inline constexpr Duration kGridStep = std::chrono::milliseconds(1);

// OnGrid is the first whole millisecond at or after `t`; kNever stays kNever.
Instant OnGrid(Instant t);

// Grid is the instants phase + k × period. `period` is at least a millisecond.
class Grid {
 public:
  Grid(const ChannelId& channel, Duration period);
  // AtOrAfter is the first tick that is not before `t`.
  Instant AtOrAfter(Instant t) const;
  // After is the first tick later than `t`.
  Instant After(Instant t) const { return AtOrAfter(t + Duration(1)); }

 private:
  Duration period_;
  Duration phase_;
};

}  // namespace keymast::rekey
