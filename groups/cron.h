// SPDX-License-Identifier: Apache-2.0
// Cron: five fields in UTC, as crontab(5) has them: minute, hour, day of month, month, day of week.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace keymast::groups {

class Cron {
 public:
  // Parse reads fields of `*`, numbers, ranges, steps and lists; months and days also by the first
  // three letters of their English names. Where both days are restricted either of them matches.
  // The failure is one sentence that says which field is wrong, and how.
  static tl::expected<Cron, std::string> Parse(std::string_view text);

  // After is the first instant behind `at` that matches; kNever when there is none, as of 30
  // February.
  Instant After(Instant at) const;

  // LatestIn is the last one from `first` to `last`, both included; nothing when there is none.
  std::optional<Instant> LatestIn(Instant first, Instant last) const;

 private:
  bool MatchesDay(std::chrono::sys_days day) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;    // from 1
  std::bitset<13> months_;  // from 1
  std::bitset<7> weekdays_;
  bool any_day_ = false;
  bool any_weekday_ = false;
};

}  // namespace keymast::groups
