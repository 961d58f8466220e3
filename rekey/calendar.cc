// SPDX-License-Identifier: Apache-2.0
#include "rekey/calendar.h"

#include <algorithm>

#include "base/cursor.h"
#include "crypto/primitives.h"
#include "rekey/grid.h"
#include "rekey/ladder.h"

namespace keymast::rekey {
namespace {

constexpr int kMostJoinedWindows = 4096;
constexpr Duration kLongestWait = std::chrono::hours(24 * 366);

Duration JitterOf(const ChannelId& channel, const groups::Schedule& schedule, Instant instant) {
  const auto steps = static_cast<uint64_t>(schedule.jitter / kGridStep);
  if (steps == 0) return Duration::zero();
  std::string text = channel.value + "/" + schedule.id.value + "/";
  text += std::to_string(ToUnixNanos(instant));
  const auto hash = crypto::Sha256(AsBytes(text));
  return static_cast<int64_t>(Reader(hash).U64() % steps) * kGridStep;
}

Duration LongestLife(const groups::KeyPolicy& policy) {
  const bool is_given = policy.msk_longest_life != Duration::zero();
  return is_given ? policy.msk_longest_life : 2 * policy.msk_period;
}

// WindowEnd is the end of the latest window of a blackout that `at` falls into.
std::optional<Instant> WindowEnd(const groups::Schedule& schedule, Instant at) {
  std::optional<Instant> end;
  // Windows that begin behind `at - blackout` reach beyond `at`; they may overlap each other.
  Instant begin = groups::InstantAfter(schedule, at - schedule.blackout);
  for (int i = 0; begin <= at && i < kMostJoinedWindows; ++i) {
    end = begin + schedule.blackout;
    begin = groups::InstantAfter(schedule, begin);
  }
  return end;
}

}  // namespace

Instant ScheduledAfter(const ChannelId& channel, const groups::Schedule& schedule, Instant at) {
  // An instant before `at` may be put off behind it.
  Instant instant = groups::InstantAfter(schedule, at - schedule.jitter);
  while (instant != kNever) {
    const Instant put_off = instant + JitterOf(channel, schedule, instant);
    if (put_off > at) return OnGrid(put_off);
    instant = groups::InstantAfter(schedule, instant);
  }
  return kNever;
}

std::optional<Instant> BlackoutEnd(const Schedules& schedules, Instant at) {
  std::optional<Instant> end;
  Instant cursor = at;
  for (int i = 0; i < kMostJoinedWindows; ++i) {
    std::optional<Instant> further;
    for (const auto& [id, schedule] : schedules) {
      if (!schedule.IsBlackout()) continue;
      const auto window = WindowEnd(schedule, cursor);
      if (window && (!further || *window > *further)) further = window;
    }
    if (!further) return end;
    end = cursor = *further;
    if (cursor - at > kLongestWait) return kNever;
  }
  return kNever;
}

PlannedChange PlanChange(const ChannelState& channel, Instant period_end, Instant not_before) {
  const groups::KeyPolicy& policy = channel.channel.policy;
  PlannedChange plan;
  plan.at = OnGrid(std::max(period_end, not_before));
  for (const auto& [id, schedule] : channel.schedules) {
    if (schedule.IsBlackout()) continue;
    const Instant at = ScheduledAfter(channel.channel.id, schedule, not_before - kGridStep);
    if (at >= plan.at) continue;
    plan.at = at;
    plan.reason = RekeyReason::kCalendar;
    plan.schedule = id;
  }
  const std::optional<Instant> end = BlackoutEnd(channel.schedules, plan.at);
  if (!end) return plan;
  const Instant oldest = period_end + (LongestLife(policy) - policy.msk_period);
  const Instant last = OnGrid(std::max(oldest, not_before));
  plan.deferred_from = plan.at;
  plan.at = OnGrid(std::min(*end, last));
  plan.pierces = *end > last;
  if (plan.pierces) plan.reason = RekeyReason::kLife;
  return plan;
}

void Replan(const ChannelState& channel, Ladder& ladder, Instant now) {
  if (!ladder.msk || ladder.next_msk || Excludes(ladder.next_msk_reason)) return;
  const Instant not_before =
      std::max(ladder.active->switch_at, now) + channel.channel.policy.msk_lead;
  const PlannedChange plan = PlanChange(channel, ladder.msk->ends, not_before);
  ladder.next_msk_change = plan.at;
  ladder.next_msk_reason = plan.reason;
  PlanExhaustion(ladder, channel.channel);
}

std::vector<PlannedChange> Upcoming(const ChannelState& channel, Instant now, size_t count,
                                    Instant until, Instant after) {
  const groups::KeyPolicy& policy = channel.channel.policy;
  const Ladder& ladder = channel.ladder;
  std::vector<PlannedChange> plans;
  if (count == 0 || !ladder.msk || ladder.next_msk_change == kNever) return plans;
  const Instant begin = ladder.active->switch_at + policy.msk_lead;
  const PlannedChange first = PlanChange(channel, ladder.msk->ends, begin);
  const bool is_first =
      first.at == ladder.next_msk_change && first.reason == ladder.next_msk_reason;
  plans.push_back(first);
  if (!is_first) {
    plans.back() = {};
    plans.back().at = ladder.next_msk_change;
    plans.back().reason = ladder.next_msk_reason;
  }
  const auto following = [&](Instant change) {
    const Instant starts = std::max(change, now);
    return PlanChange(channel, starts + policy.msk_period, starts + policy.msk_lead);
  };
  if (plans.back().at <= after) plans.back() = following(after);
  while (plans.size() < count && plans.back().at <= until) {
    plans.push_back(following(plans.back().at));
  }
  if (plans.back().at > until) plans.pop_back();
  return plans;
}

}  // namespace keymast::rekey
