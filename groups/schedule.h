// SPDX-License-Identifier: Apache-2.0
// Schedules: a channel's calendar of MSK changes, and of windows in which scheduled ones wait.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"

namespace keymast::groups {

enum class Timing : uint8_t { kPeriod = 1, kCron, kOnce };

struct Schedule {
  ScheduleId id;
  Timing timing = Timing::kPeriod;
  Duration period{};               // of kPeriod, from `start` on
  Instant start = Instant::min();  // in a command for `created`
  std::string cron;                // of kCron, UTC
  Instant once{};                  // of kOnce
  Duration jitter{};               // an instant is put off by less than this
  // Above zero: each instant begins a window of this length. Zero: each is an MSK change.
  Duration blackout{};
  bool paused = false;
  Instant created{};
  uint64_t revision = 0;  // raised by each change; in the etag

  bool IsBlackout() const { return blackout > Duration::zero(); }
  friend bool operator==(const Schedule&, const Schedule&) = default;
};
inline constexpr size_t kMaxSchedules = 16;  // of a channel

// CheckSchedule names every field that is wrong by its API path (`rekey_schedule.cron`).
std::vector<FieldViolation> CheckSchedule(const Schedule& schedule);

// InstantAfter is the first instant of a schedule behind `at`, without jitter; kNever when there is
// none. It must have passed CheckSchedule; paused ones have none.
Instant InstantAfter(const Schedule& schedule, Instant at);

}  // namespace keymast::groups
