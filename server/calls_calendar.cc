// SPDX-License-Identifier: Apache-2.0
// Calendars, what will follow from them, and plans.
#include <algorithm>
#include <sstream>

#include "rekey/calendar.h"
#include "server/calls.h"
#include "server/conflicts.h"

namespace keymast::server {
namespace {

constexpr size_t kDefaultUpcoming = 10;
constexpr size_t kDefaultConflicts = 100;
constexpr size_t kMostShown = 1000;
constexpr size_t kMostSteps = 100'000;  // schedules and windows that one page may look at
// Farther ones are not shown: instants end in the year 2262.
constexpr Duration kFarthestUpcoming = std::chrono::hours(24 * 365 * 100);
constexpr Duration kDefaultHorizon = std::chrono::hours(24);
constexpr Duration kMostHorizon = std::chrono::hours(24 * 31);
constexpr Duration kDefaultWithin = std::chrono::seconds(1);

v1::UpcomingRekey ToProto(const ChannelId& channel, const rekey::PlannedChange& plan) {
  v1::UpcomingRekey message;
  message.set_channel(NameOf(channel));
  *message.mutable_time() = server::ToProto(plan.at);
  if (!plan.schedule.empty()) message.set_rekey_schedule(NameOf(channel, plan.schedule));
  message.set_reason(static_cast<v1::RekeyReason>(plan.reason));
  if (plan.deferred_from != kNever) {
    *message.mutable_deferred_from() = server::ToProto(plan.deferred_from);
  }
  message.set_pierces(plan.pierces);
  return message;
}

// CountOf is nothing for a size below zero.
std::optional<size_t> CountOf(int32_t asked, size_t by_default) {
  if (asked < 0) return std::nullopt;
  return asked == 0 ? by_default : std::min(static_cast<size_t>(asked), kMostShown);
}

std::string TextOf(Instant at) { return std::to_string(ToUnixNanos(at)); }

// ReadInstants gives the `count` instants that a token of ours holds, and none of an empty one.
std::optional<std::vector<Instant>> ReadInstants(const Result<std::string>& token, size_t count) {
  if (!token) return std::nullopt;
  std::istringstream text(*token);
  std::vector<Instant> instants;
  for (int64_t nanos = 0; text >> nanos;) instants.push_back(FromUnixNanos(nanos));
  const bool is_right = instants.empty() || instants.size() == count;
  return is_right ? std::optional(std::move(instants)) : std::nullopt;
}

Failure NoTokenOfThis() {
  return Wrong("page_token", "must be the next_page_token of the same call");
}

}  // namespace

bool Calls::Calendar(const Caller& caller, const core::CoreRequest& request) {
  switch (request.request_case()) {
    case core::CoreRequest::kCreateRekeySchedule:
      PutSchedule(caller, AskOf(request.create_rekey_schedule()),
                  FromProto(request.create_rekey_schedule()));
      return true;
    case core::CoreRequest::kUpdateRekeySchedule:
      return UpdateSchedule(caller, request.update_rekey_schedule()), true;
    case core::CoreRequest::kDeleteRekeySchedule:
      return DeleteSchedule(caller, request.delete_rekey_schedule()), true;
    case core::CoreRequest::kListUpcomingRekeys:
      return ListUpcoming(caller, request.list_upcoming_rekeys()), true;
    case core::CoreRequest::kListRekeyConflicts:
      return ListConflicts(caller, request.list_rekey_conflicts()), true;
    case core::CoreRequest::kPlanRekey:
      return PlanRekey(caller, request.plan_rekey()), true;
    default:
      return false;
  }
}

void Calls::UpdateSchedule(const Caller& caller, const v1::UpdateRekeyScheduleRequest& request) {
  const auto command = FromProto(request, shard_.controller(), shard_.Now());
  if (command) return PutSchedule(caller, AskOf(request), command);
  const v1::RekeySchedule& asked = request.rekey_schedule();
  RefuseUnlessDone(caller, AskOf(request), command.error(), [&](core::CoreReply& reply) {
    *reply.mutable_rekey_schedule() = ScheduleMessage(asked.name()).value_or(WithoutEtag(asked));
  });
}

void Calls::PutSchedule(const Caller& caller, const Ask& ask,
                        const Outcome<controller::PutSchedule>& command) {
  if (!command) return Refuse(caller, command.error());
  const ChannelId& id = command->channel;
  Do(caller, ask, *command, [&](const controller::Reply&, core::CoreReply& reply) {
    const auto channel = state().channels.find(id);
    groups::Schedule schedule = command->schedule;
    if (channel != state().channels.end() && channel->second.schedules.contains(schedule.id)) {
      const groups::Schedule& found = channel->second.schedules.at(schedule.id);
      if (!ask.validate_only) schedule = found;
      schedule.created = found.created;
      schedule.revision = found.revision;
      if (schedule.start == Instant::min()) schedule.start = schedule.created;
    }
    *reply.mutable_rekey_schedule() = server::ToProto(id, schedule, shard_.Now());
  });
}

void Calls::DeleteSchedule(const Caller& caller, const v1::DeleteRekeyScheduleRequest& request) {
  const auto name = ScheduleOf(request.name());
  if (!name) return Refuse(caller, NoSuch(request.name(), "name", kScheduleForm));
  Do(caller, AskOf(request),
     controller::DeleteSchedule{name->channel, name->schedule, VersionOf(request.etag()),
                                request.allow_missing()},
     [](const controller::Reply&, core::CoreReply& reply) {
       reply.mutable_delete_rekey_schedule();
     });
}

void Calls::ListUpcoming(const Caller& caller, const v1::ListUpcomingRekeysRequest& request) {
  const rekey::ChannelState* channel = FindChannel(request.parent());
  if (channel == nullptr) return Refuse(caller, NoSuch(request.parent(), "parent", kChannelForm));
  const auto count = CountOf(request.page_size(), kDefaultUpcoming);
  if (!count) return Refuse(caller, Wrong("page_size", "must be 1 to 1000, or 0 for the default"));
  const std::string label = "upcoming of " + request.parent();
  const auto shown = ReadInstants(page_tokens_.Read(label, request.page_token()), 1);
  if (!shown) return Refuse(caller, NoTokenOfThis());
  const Instant now = shard_.Now();
  size_t room = kMostSteps;
  const auto plans = rekey::Upcoming(*channel, now, *count + 1, now + kFarthestUpcoming,
                                     shown->empty() ? Instant::min() : shown->front(), &room);
  core::CoreReply reply;
  auto& list = *reply.mutable_list_upcoming_rekeys();
  const size_t shown_now = std::min(*count, plans.size());
  for (size_t i = 0; i < shown_now; ++i) {
    *list.add_upcoming_rekeys() = ToProto(channel->channel.id, plans[i]);
  }
  // A page may be cut short: there is more behind it.
  if (plans.size() > *count || (room == 0 && !plans.empty())) {
    list.set_next_page_token(page_tokens_.Make(label, TextOf(plans[shown_now - 1].at)));
  }
  Answer(caller, std::move(reply));
}

void Calls::ListConflicts(const Caller& caller, const v1::ListRekeyConflictsRequest& request) {
  Violations violations;
  const Duration horizon =
      request.has_horizon() ? FromProto(request.horizon(), "horizon", violations) : kDefaultHorizon;
  const Duration within =
      request.has_within() ? FromProto(request.within(), "within", violations) : kDefaultWithin;
  if (horizon > kMostHorizon) violations.Add("horizon", "must be at most 31 days");
  if (within > std::chrono::hours(1)) violations.Add("within", "must be at most an hour");
  const auto count = CountOf(request.page_size(), kDefaultConflicts);
  if (!count) violations.Add("page_size", "must be 1 to 1000, or 0 for the default");
  if (!violations.empty()) return Refuse(caller, std::move(violations).Failed().value());
  const std::string label = "conflicts within " + std::to_string(within.count()) + " in " +
                            std::to_string(horizon.count());
  const auto shown = ReadInstants(page_tokens_.Read(label, request.page_token()), 2);
  if (!shown) return Refuse(caller, NoTokenOfThis());
  ConflictSearch search{shard_.Now(), shard_.Now() + horizon, Instant::min(), within, *count + 1};
  if (!shown->empty()) {
    search.after = shown->front();
    search.until = shown->back();
  }
  auto conflicts = FindConflicts(shard_.controller(), asker_.scope, search);
  if (!conflicts) {
    return Refuse(caller, Wrong("horizon",
                                "must be shorter: there are more changes, schedules and blackouts "
                                "within it than are looked at in one call"));
  }
  core::CoreReply reply;
  auto& list = *reply.mutable_list_rekey_conflicts();
  if (conflicts->size() > *count) {
    conflicts->pop_back();
    const std::string place = TextOf(conflicts->back().at) + " " + TextOf(search.until);
    list.set_next_page_token(page_tokens_.Make(label, place));
  }
  for (const Conflict& conflict : *conflicts) {
    *list.add_rekey_conflicts() = server::ToProto(conflict);
  }
  Answer(caller, std::move(reply));
}

void Calls::PlanRekey(const Caller& caller, const v1::PlanRekeyRequest& request) {
  const rekey::ChannelState* channel = FindChannel(request.channel());
  if (channel == nullptr) return Refuse(caller, NoSuch(request.channel(), "channel", kChannelForm));
  std::vector<SubscriberId> expelled;
  for (int i = 0; i < request.expelled_size(); ++i) {
    const std::string& name = request.expelled(i);
    const auto member = MemberOf(name);
    if (!member || member->channel != channel->channel.id) {
      return Refuse(caller, NoSuch(name, "expelled[" + std::to_string(i) + "]", kMemberForm));
    }
    expelled.push_back(member->subscriber);
  }
  if (expelled.size() > static_cast<size_t>(kMaxBatch)) {
    return Refuse(caller, Wrong("expelled", "must have at most 1000 entries"));
  }
  const bool has_level = request.level() == v1::MTK || request.level() == v1::MSK;
  if (!has_level && expelled.empty()) {
    return Refuse(caller, Wrong("level", "must be MTK or MSK"));
  }
  const auto level =
      expelled.empty() ? static_cast<rekey::KeyLevel>(request.level()) : rekey::KeyLevel::kMsk;
  const auto plan = shard_.controller().Plan(channel->channel.id, level, expelled, shard_.Now());
  if (!plan) return Refuse(caller, plan.error());
  core::CoreReply reply;
  v1::RekeyPlan& message = *reply.mutable_rekey_plan();
  message.set_channel(request.channel());
  message.set_level(static_cast<v1::KeyLevel>(level));
  message.set_recipients(plan->recipients);
  message.set_asking(plan->asking);
  message.set_unicast_messages(plan->recipients);
  message.set_unicast_octets(plan->unicast_octets);
  *message.mutable_unicast_time() = server::ToProto(plan->unicast_time);
  message.set_multicast_messages(plan->multicast_messages);
  message.set_multicast_octets(plan->multicast_octets);
  *message.mutable_switch_time() = server::ToProto(plan->switch_at);
  message.set_joins_another(plan->joins_another);
  message.set_pierces_blackout(plan->pierces_blackout);
  message.set_etag(EtagOf(groups::VersionOf(channel->channel)));
  Answer(caller, std::move(reply));
}

}  // namespace keymast::server
