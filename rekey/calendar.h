// SPDX-License-Identifier: Apache-2.0
// When an MSK changes by plan: the period of the policy, the schedules of the channel, and the
// blackouts that put it off, as pure functions.
#pragma once

#include "rekey/state.h"

namespace keymast::rekey {

// ScheduledAfter is the first instant behind `at` of a schedule of changes, with its jitter, which
// follows from channel, schedule and instant; kNever.
Instant ScheduledAfter(const ChannelId& channel, const groups::Schedule& schedule, Instant at);

// BlackoutEnd is when the blackouts end that `at` falls into, one joining the next; nothing when it
// falls into none, kNever when they do not end within a year, or more than 4096 join.
std::optional<Instant> BlackoutEnd(const Schedules& schedules, Instant at);
// IsInBlackout says whether `at` falls into one.
bool IsInBlackout(const Schedules& schedules, Instant at);

// PlannedChange is the next change of the MSK as planned.
struct PlannedChange {
  Instant at = kNever;
  RekeyReason reason = RekeyReason::kSchedule;  // kCalendar: of `schedule`; kLife: pierces
  ScheduleId schedule;
  Instant deferred_from = kNever;  // planned for then, and put off
  bool pierces = false;            // in a blackout, since the MSK would get too old
};

// Owed is what was planned for `since`, by `schedule` (empty: the period), and has not come: a
// blackout has put it off until `at`, or an edit came within an MSK lead of it. It is owed as long
// as its schedule says the same, but for the jitter, unless that was just `edited`, when it must
// say the very instant; so is all that other schedules, which were not edited, have said since.
struct Owed {
  Instant since = kNever;
  ScheduleId schedule;
  Instant at = kNever;
  ScheduleId edited;
};

// PlanChange plans the change of an MSK whose period ends at `period_end`: then, or by a schedule
// before; not before `not_before`, by when its successor can be there, and what is owed then. One
// that a blackout puts off keeps its jitter behind it, unless another change, the next blackout or
// the longest life is in the way.
PlannedChange PlanChange(const ChannelState& channel, Instant period_end, Instant not_before,
                         const Owed& owed = {});

// Replan puts the planned change into the ladder of a channel, with what is owed there; while a
// next MSK is on its way, or someone is to be shut out, it leaves it alone. `edited` is a schedule
// whose timing has just been changed.
void Replan(const ChannelState& channel, Ladder& ladder, Instant now,
            const ScheduleId& edited = {});

// Upcoming is the next changes, at most `count` and none behind `until`: what the ladder has
// planned, and what will follow. Those up to `after`, of which the last one is known, are left out.
// `room` is how many schedules and windows may be looked at, about: what is left of it comes back,
// and at 0 the rest of the changes is left out.
std::vector<PlannedChange> Upcoming(const ChannelState& channel, Instant now, size_t count,
                                    Instant until = kNever, Instant after = Instant::min(),
                                    size_t* room = nullptr);

}  // namespace keymast::rekey
