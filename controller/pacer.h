// SPDX-License-Identifier: Apache-2.0
// Pacer spreads a channel's MSK messages: at most `rate` a second, handed out in portions of a
// millisecond, so that a hundred thousand pushes neither burst nor hold up other channels.
#pragma once

#include <algorithm>

#include "rekey/grid.h"

namespace keymast::controller {

class Pacer {
 public:
  // Take says whether one more message may go out at `now`, and books it.
  bool Take(Instant now, uint32_t rate) {
    const Duration interval = Interval(rate);
    if (!busy_) next_ = std::max(next_, now);
    busy_ = true;
    if (next_ + interval > now + std::max(interval, rekey::kGridStep)) return false;
    // What a late tick missed is made up for, but not more than this of it.
    next_ = std::max(next_, now - kMostCatchUp) + interval;
    return true;
  }

  // Next is when the next message may go, after Take refused one.
  Instant Next(uint32_t rate) const {
    const Duration interval = Interval(rate);
    return next_ + interval - std::max(interval, rekey::kGridStep);
  }

  // Rest ends a run of messages: idle time earns no credit.
  void Rest() { busy_ = false; }

 private:
  static constexpr Duration kMostCatchUp = std::chrono::milliseconds(20);
  static Duration Interval(uint32_t rate) {
    return std::max(Duration(1), Duration(std::chrono::seconds(1)) / std::max<uint32_t>(rate, 1));
  }

  Instant next_ = Instant::min();
  bool busy_ = false;
};

}  // namespace keymast::controller
