// SPDX-License-Identifier: Apache-2.0
#include "groups/schedule.h"

#include "base/check.h"
#include "groups/cron.h"
#include "groups/group.h"

namespace keymast::groups {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kShortestPeriod = minutes(1);
constexpr Duration kLongest = hours(24 * 366);
constexpr Duration kLongestBlackout = hours(24 * 31);

bool IsWhole(Duration duration) { return duration % milliseconds(1) == Duration::zero(); }

}  // namespace

std::vector<FieldViolation> CheckSchedule(const Schedule& schedule) {
  std::vector<FieldViolation> wrong;
  const auto unless = [&wrong](bool holds, const char* field, std::string what) {
    if (!holds) wrong.push_back({std::string("rekey_schedule.") + field, std::move(what)});
  };
  unless(schedule.timing != Timing::kPeriod ||
             (schedule.period >= kShortestPeriod && schedule.period <= kLongest &&
              schedule.period % seconds(1) == Duration::zero()),
         "period", "must be whole seconds from a minute to 366 days");
  if (schedule.timing == Timing::kCron) {
    const auto cron = Cron::Parse(schedule.cron);
    unless(cron.has_value(), "cron", cron ? "" : cron.error());
    const bool comes = !cron || cron->After(schedule.created) != kNever;
    unless(comes, "cron", "never comes");
  }
  unless(schedule.jitter >= Duration::zero() && schedule.jitter <= hours(24) &&
             IsWhole(schedule.jitter),
         "jitter", "must be whole milliseconds up to 24 hours");
  unless(schedule.jitter == Duration::zero() || !schedule.IsBlackout(), "jitter",
         "is of no use for a blackout");
  unless(schedule.blackout >= Duration::zero() && schedule.blackout <= kLongestBlackout &&
             IsWhole(schedule.blackout),
         "blackout", "must be whole milliseconds up to 31 days");
  return wrong;
}

Instant InstantAfter(const Schedule& schedule, Instant at) {
  if (schedule.paused) return kNever;
  switch (schedule.timing) {
    case Timing::kOnce:
      return schedule.once > at ? schedule.once : kNever;
    case Timing::kCron: {
      const auto cron = Cron::Parse(schedule.cron);
      KEYMAST_CHECK(cron.has_value());
      return cron->After(at);
    }
    case Timing::kPeriod:
      break;
  }
  if (at < schedule.start) return schedule.start;
  return schedule.start + ((at - schedule.start) / schedule.period + 1) * schedule.period;
}

}  // namespace keymast::groups
