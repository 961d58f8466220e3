// SPDX-License-Identifier: Apache-2.0
// The instants of a schedule for who walks over many of them: what it says is read once.
#pragma once

#include <optional>

#include "groups/cron.h"
#include "groups/schedule.h"

namespace keymast::groups {

// Instants is of a schedule that has passed CheckSchedule, and outlives it. Without jitter; a
// paused one has none.
class Instants {
 public:
  explicit Instants(const Schedule& schedule);

  // After is the first one behind `at`; kNever when there is none.
  Instant After(Instant at) const;

  // LatestIn is the last one from `first` to `last`, both included; nothing when there is none.
  std::optional<Instant> LatestIn(Instant first, Instant last) const;

 private:
  const Schedule& schedule_;
  std::optional<Cron> cron_;
};

}  // namespace keymast::groups
