// SPDX-License-Identifier: Apache-2.0
// Blackouts of a channel, by its schedules as the API tells them.
#pragma once

#include <optional>

#include "base/time.h"
#include "cli/problem.h"
#include "keymast/v1/schedule.pb.h"

namespace keymast::cli {

struct Blackouts {
  // Of the windows in force, those that join them included; kNever: not within a year. Nothing when
  // none is in force.
  std::optional<Instant> end;
  Instant next = kNever;  // beginning of the next window
};

// BlackoutsOf tells which are in force at `now`. A schedule that this version cannot follow is a
// problem.
Outcome<Blackouts> BlackoutsOf(const v1::ListRekeySchedulesResponse& schedules, Instant now);

// IsPutOff says whether a blackout has moved the change: one that pierces it may go as planned.
bool IsPutOff(const v1::UpcomingRekey& rekey);

}  // namespace keymast::cli
