// SPDX-License-Identifier: Apache-2.0
#include "groups/schedule.h"

#include "groups/cron.h"
#include "groups/group.h"
#include "groups/instants.h"

namespace keymast::groups {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kShortestPeriod = minutes(1);
constexpr Duration kLongest = hours(24 * 366);
constexpr Duration kLongestBlackout = hours(24 * 31);

// So many instants of a cron text, of so long a time, are looked at for two that are close.
constexpr int kCompared = 1000;
constexpr Duration kComparedFor = hours(24 * 366 * 5);

// AreApart says whether instants are more than `length` apart; of one that comes once they are.
bool AreApart(const Schedule& schedule, Duration length) {
  if (schedule.timing == Timing::kPeriod) return schedule.period > length;
  if (schedule.timing == Timing::kOnce) return true;
  Schedule running = schedule;
  running.paused = false;
  const Instants instants(running);
  Instant at = instants.After(schedule.created);
  for (int i = 0; i < kCompared && at != kNever && at - schedule.created < kComparedFor; ++i) {
    const Instant next = instants.After(at);
    if (next != kNever && next - at <= length) return false;
    at = next;
  }
  return true;
}

// Instants with room on the time line for all that is added to them and taken from them.
constexpr Instant kEarliest{};
constexpr Instant kLatest{hours(24) * 365 * 230};
bool IsNear(Instant at) { return at >= kEarliest && at <= kLatest; }

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
  unless(schedule.timing != Timing::kPeriod || IsNear(schedule.start), "start_time",
         "must be from 1970 to 2199");
  unless(schedule.timing != Timing::kOnce || IsNear(schedule.once), "once",
         "must be from 1970 to 2199");
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
  if (wrong.empty() && schedule.jitter > Duration::zero()) {
    unless(AreApart(schedule, schedule.jitter), "jitter",
           "must be shorter than the time from one instant to the next");
  }
  unless(schedule.blackout >= Duration::zero() && schedule.blackout <= kLongestBlackout &&
             IsWhole(schedule.blackout),
         "blackout", "must be whole milliseconds up to 31 days");
  return wrong;
}

Instant InstantAfter(const Schedule& schedule, Instant at) { return Instants(schedule).After(at); }

}  // namespace keymast::groups
