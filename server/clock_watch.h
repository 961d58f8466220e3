// SPDX-License-Identifier: Apache-2.0
// Keeps the time line near the wall clock, which may be set at any time and wrong at the start.
#pragma once

#include <functional>
#include <optional>

#include "shell/time_line.h"

namespace keymast::server {

// ClockView is what operators see of the clock.
struct ClockView {
  Duration offset{};   // the wall clock minus the time line, when it was last looked at
  uint64_t steps = 0;  // times that the wall clock was set, by half a second or more
  // The data are younger than the wall clock was at the start, which has not caught up yet.
  bool unsure = false;
};

class ClockWatch {
 public:
  // Of a wall clock that is set forward the line waits for a quiet moment, at most for so long.
  static constexpr Duration kPatience = std::chrono::seconds(60);

  ClockWatch(shell::TimeLine& line, const shell::ClockReading& now);

  // Begin is told the last instant that the data know: the line does not begin before it, so that
  // nothing happens twice. A wall clock more than a second before it is wrong, or was wrong then.
  void Begin(Instant last);

  // Look is called each second, and after UntilNextLook while a jump waits: at one look a second a
  // rhythm of switches in whole seconds could hide each of its quiet moments. `is_quiet` says
  // whether no switch is announced that a jump of the line would bring on; it is asked while one
  // waits.
  enum class Moved : uint8_t { kNot, kSlower, kAhead };
  Moved Look(const shell::ClockReading& now, const std::function<bool()>& is_quiet);
  Duration UntilNextLook() const;

  const ClockView& view() const { return view_; }

 private:
  void CountSteps();

  shell::TimeLine& line_;
  shell::ClockReading seen_;
  int64_t wall_minus_boottime_;
  std::optional<int64_t> waits_since_;  // to jump, by CLOCK_BOOTTIME
  ClockView view_;
};

}  // namespace keymast::server
