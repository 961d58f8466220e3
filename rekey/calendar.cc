// SPDX-License-Identifier: Apache-2.0
#include "rekey/calendar.h"

#include <algorithm>

#include "base/cursor.h"
#include "crypto/primitives.h"
#include "groups/blackouts.h"
#include "groups/instants.h"
#include "rekey/grid.h"
#include "rekey/ladder.h"

namespace keymast::rekey {
namespace {

using groups::Instants;

Duration JitterOf(const ChannelId& channel, const groups::Schedule& schedule, Instant instant) {
  const auto steps = static_cast<uint64_t>(schedule.jitter / kGridStep);
  if (steps == 0) return Duration::zero();
  std::string text = channel.value + "/" + schedule.id.value + "/";
  text += std::to_string(ToUnixNanos(instant));
  const auto hash = crypto::Sha256(AsBytes(text));
  return static_cast<int64_t>(Reader(hash).U64() % steps) * kGridStep;
}

constexpr Duration kMostJitter = std::chrono::hours(24);
// To look at a schedule is a hash, where it has a jitter.
constexpr uint64_t kStepsASchedule = 4;

Duration LongestLife(const groups::KeyPolicy& policy) {
  const bool is_given = policy.msk_longest_life != Duration::zero();
  return is_given ? policy.msk_longest_life : 2 * policy.msk_period;
}

// PutOff is an instant of a schedule of changes behind its jitter.
struct PutOff {
  Instant at = kNever;
  Duration jitter{};
};

// One is a schedule with its instants. What was found last is remembered, for who walks on.
class One {
 public:
  explicit One(const groups::Schedule& of) : schedule_(of), instants_(of) {}

  const ScheduleId& id() const { return schedule_.id; }
  Instant created() const { return schedule_.created; }
  // By is the instant that stands at `at` or before it, with the jitter that it has now.
  PutOff By(const ChannelId& channel, Instant at) const {
    const auto instant = instants_.LatestIn(at - kMostJitter, at);
    if (!instant) return {};
    const Duration jitter = JitterOf(channel, schedule_, *instant);
    return {OnGrid(*instant + jitter), jitter};
  }
  PutOff After(const ChannelId& channel, Instant at) {
    if (!asked_ || at < *asked_ || at >= exact_) Find(channel, at);
    return {exact_ == kNever ? kNever : OnGrid(exact_), jitter_};
  }

 private:
  void Find(const ChannelId& channel, Instant at) {
    asked_ = at;
    // An instant before `at` may be put off behind it.
    Instant instant = instants_.After(at - schedule_.jitter);
    while (instant != kNever) {
      jitter_ = JitterOf(channel, schedule_, instant);
      exact_ = instant + jitter_;
      if (exact_ > at) return;
      instant = instants_.After(instant);
    }
    exact_ = kNever;
  }

  const groups::Schedule& schedule_;
  Instants instants_;
  std::optional<Instant> asked_;  // `exact_` is the first one behind it, before it is on the grid
  Instant exact_ = kNever;
  Duration jitter_{};
};

// Planner plans the changes of one channel, one behind the other.
class Planner {
 public:
  explicit Planner(const ChannelState& channel) : channel_(channel.channel) {
    Charge(channel.schedules.size());
    for (const auto& [id, schedule] : channel.schedules) {
      if (schedule.IsBlackout()) {
        blackouts_.Add(schedule);
      } else {
        calendar_.emplace_back(schedule);
      }
    }
  }

  PlannedChange Plan(Instant period_end, Instant not_before, const Owed& owed = {});
  // steps counts the windows that were looked at, and schedules as what they cost beside one.
  uint64_t steps() const { return steps_ + blackouts_.steps(); }

 private:
  void Charge(size_t schedules) { steps_ += kStepsASchedule * schedules; }
  // OwedBy is what is owed of the schedule; kNever: nothing.
  PutOff OwedBy(One& one, Instant not_before, const Owed& owed) const;
  // May wait from the end of a blackout until `spread`: nothing else is planned on the way.
  bool MaySpread(Instant end, Instant spread, Instant period_end);

  const groups::Channel& channel_;
  std::vector<One> calendar_;
  groups::Blackouts blackouts_;
  uint64_t steps_ = 0;
};

PutOff Planner::OwedBy(One& one, Instant not_before, const Owed& owed) const {
  if (owed.since >= not_before) return {};
  PutOff found;
  if (one.id() == owed.schedule) {
    found = one.By(channel_.id, owed.since);
    if (one.id() == owed.edited && found.at != owed.since) return {};
  } else if (one.id() != owed.edited) {
    const Instant first = std::max(owed.since, OnGrid(one.created()));
    found = one.After(channel_.id, first - kGridStep);
  }
  return found.at < not_before ? found : PutOff();
}

PlannedChange Planner::Plan(Instant period_end, Instant not_before, const Owed& owed) {
  const groups::KeyPolicy& policy = channel_.policy;
  const Instant soonest = OnGrid(not_before);
  const Instant oldest = period_end + (LongestLife(policy) - policy.msk_period);
  const Instant last = OnGrid(std::max(oldest, not_before));
  PlannedChange plan;
  plan.at = std::max(OnGrid(period_end), soonest);
  Instant planned = OnGrid(period_end);
  Duration jitter{};
  ++steps_;
  Charge(calendar_.size());
  for (One& one : calendar_) {
    const PutOff owes = OwedBy(one, not_before, owed);
    const bool is_owed = owes.at != kNever;
    const PutOff put_off = is_owed ? owes : one.After(channel_.id, not_before - kGridStep);
    Instant at = std::max(put_off.at, soonest);
    // The end of its blackout has come: behind it the change keeps its place, and so its jitter.
    const bool is_spread = is_owed && one.id() == owed.schedule &&
                           owed.at - put_off.jitter <= not_before && owed.at >= soonest;
    if (is_spread) at = std::min(owed.at, last);
    // Of two that come as soon as they can, the one that was due first.
    if (at > plan.at || (at == plan.at && put_off.at >= planned)) continue;
    plan.at = at;
    plan.reason = RekeyReason::kCalendar;
    plan.schedule = one.id();
    plan.deferred_from = owes.at;
    planned = put_off.at;
    jitter = put_off.jitter;
  }
  const std::optional<Instant> end = blackouts_.End(plan.at, last);
  if (!end) return plan;
  plan.deferred_from = planned;
  plan.at = OnGrid(std::min(*end, last));
  plan.pierces = *end > last;
  if (plan.pierces) {
    plan.reason = RekeyReason::kLife;
  } else if (const Instant spread = OnGrid(*end + jitter);
             spread <= last && MaySpread(*end, spread, period_end)) {
    // What waits for the end of one blackout would all change at once there.
    plan.at = spread;
  }
  return plan;
}

bool Planner::MaySpread(Instant end, Instant spread, Instant period_end) {
  if (period_end > end && period_end < spread) return false;
  Charge(calendar_.size());
  for (One& one : calendar_) {
    if (one.After(channel_.id, end).at < spread) return false;
  }
  return !blackouts_.End(spread, spread);
}

bool IsPlanned(const Ladder& ladder) {
  return ladder.next_msk_reason == RekeyReason::kSchedule ||
         ladder.next_msk_reason == RekeyReason::kCalendar ||
         ladder.next_msk_reason == RekeyReason::kLife;
}

groups::Blackouts BlackoutsOf(const Schedules& schedules) {
  groups::Blackouts blackouts;
  for (const auto& [id, schedule] : schedules) {
    if (schedule.IsBlackout()) blackouts.Add(schedule);
  }
  return blackouts;
}

}  // namespace

Instant ScheduledAfter(const ChannelId& channel, const groups::Schedule& schedule, Instant at) {
  return One(schedule).After(channel, at).at;
}

std::optional<Instant> BlackoutEnd(const Schedules& schedules, Instant at) {
  return BlackoutsOf(schedules).End(at);
}

bool IsInBlackout(const Schedules& schedules, Instant at) {
  return BlackoutsOf(schedules).End(at, at).has_value();
}

PlannedChange PlanChange(const ChannelState& channel, Instant period_end, Instant not_before,
                         const Owed& owed) {
  return Planner(channel).Plan(period_end, not_before, owed);
}

void Replan(const ChannelState& channel, Ladder& ladder, Instant now, const ScheduleId& edited) {
  if (!ladder.msk || ladder.next_msk || Excludes(ladder.next_msk_reason)) return;
  const Instant not_before =
      std::max(ladder.active->switch_at, now) + channel.channel.policy.msk_lead;
  Owed owed{ladder.next_msk_origin.deferred_from, ladder.next_msk_origin.schedule,
            ladder.next_msk_change, edited};
  if (IsPlanned(ladder)) owed.since = std::min(owed.since, ladder.next_msk_change);
  const PlannedChange plan = PlanChange(channel, ladder.msk->ends, not_before, owed);
  ladder.next_msk_change = plan.at;
  ladder.next_msk_reason = plan.reason;
  ladder.next_msk_origin = {plan.schedule, plan.deferred_from};
  PlanExhaustion(ladder, channel.channel);
}

std::vector<PlannedChange> Upcoming(const ChannelState& channel, Instant now, size_t count,
                                    Instant until, Instant after, size_t* room) {
  const groups::KeyPolicy& policy = channel.channel.policy;
  const Ladder& ladder = channel.ladder;
  std::vector<PlannedChange> plans;
  if (count == 0 || !ladder.msk || ladder.next_msk_change == kNever) return plans;
  if (ladder.next_msk_change > until) {
    if (room != nullptr && *room > 0) --*room;
    return plans;
  }
  Planner planner(channel);
  const MskOrigin origin = IsPlanned(ladder) ? ladder.next_msk_origin : MskOrigin();
  plans.push_back({ladder.next_msk_change, ladder.next_msk_reason, origin.schedule,
                   origin.deferred_from, ladder.next_msk_reason == RekeyReason::kLife});
  const auto following = [&](Instant change) {
    const Instant starts = std::max(change, now);
    return planner.Plan(starts + policy.msk_period, starts + policy.msk_lead);
  };
  const auto has_room = [&] { return room == nullptr || planner.steps() < *room; };
  if (plans.back().at <= after) plans.back() = following(after);
  while (plans.size() < count && plans.back().at <= until && has_room()) {
    plans.push_back(following(plans.back().at));
  }
  if (plans.back().at > until) plans.pop_back();
  if (room != nullptr) *room -= std::min<size_t>(*room, planner.steps() + 1);
  return plans;
}

}  // namespace keymast::rekey
