// SPDX-License-Identifier: Apache-2.0
#include "rekey/state.h"

#include <algorithm>

#include "base/cursor.h"
#include "crypto/primitives.h"

namespace keymast::rekey {
namespace {

ChannelState* Find(State& state, const ChannelId& id) {
  const auto found = state.channels.find(id);
  return found == state.channels.end() ? nullptr : &found->second;
}

void Fold(State& state, const ChannelPut& change) {
  state.channels[change.channel.id].channel = change.channel;
}

void Fold(State& state, const ChannelDeleted& change) { state.channels.erase(change.id); }

void Fold(State& state, const LadderPut& change) {
  if (ChannelState* channel = Find(state, change.id)) channel->ladder = change.ladder;
}

void Fold(State& state, const PositionsPut& change) {
  if (ChannelState* channel = Find(state, change.id)) channel->positions = change.positions;
}

void Fold(State& state, const RekeyRecorded& change) {
  ChannelState* channel = Find(state, change.id);
  if (channel == nullptr) return;
  std::deque<Rekey>& history = channel->history;
  if (!history.empty() && history.back().sequence >= change.rekey.sequence) return;
  history.push_back(change.rekey);
  if (history.size() > kHistory) history.pop_front();
}

void Fold(State& state, const SubscriberPut& change) {
  state.subscribers[change.subscriber.id] = {change.subscriber, change.user_key};
}

void Fold(State& state, const SubscriberDeleted& change) { state.subscribers.erase(change.id); }

void Fold(State& state, const MemberPut& change) {
  ChannelState* channel = Find(state, change.id);
  if (channel != nullptr) channel->members[change.member.subscriber] = change.member;
}

void Fold(State& state, const MemberDeleted& change) {
  if (ChannelState* channel = Find(state, change.id)) channel->members.erase(change.subscriber);
}

void Fold(State& state, const MemberConfirmed& change) {
  ChannelState* channel = Find(state, change.id);
  if (channel == nullptr) return;
  const auto member = channel->members.find(change.subscriber);
  if (member != channel->members.end()) member->second.confirmed = change.msk;
}

void Fold(State& state, const HeadendPut& change) {
  state.headends[change.headend.id] = change.headend;
}

void Fold(State& state, const HeadendDeleted& change) { state.headends.erase(change.id); }

void Fold(State& state, const MukCounterReserved& change) {
  state.muk_counter.end = std::max(state.muk_counter.end, change.end);
}

void Fold(State& state, const KeyGroupRetired& change) {
  KeyNumber& last = state.retired[change.group];
  last = std::max(last, change.last);
}

void Fold(State& state, const UnknownGroupsSkipped& change) {
  state.unknown_groups = std::max(state.unknown_groups, change.last);
}

void Fold(State& state, const TicketKeyPut& change) {
  state.tickets.keys[change.key.number] = change.key;
}

void Fold(State& state, const TicketKeyDropped& change) { state.tickets.keys.erase(change.number); }

void Fold(State& state, const TicketSpent& change) { state.tickets.spent.insert(change.ticket); }

void Fold(State& state, const TicketForgotten& change) { state.tickets.spent.erase(change.ticket); }

void Fold(State& state, const TicketsPast& change) { state.tickets.past = change.until; }

void Fold(State& state, const DepartedKept& change) {
  uint32_t& leaves = state.departed[change.place];
  leaves = std::max(leaves, change.leaves);
}

void Fold(State& state, const ReportsSkipped& change) {
  state.lost_report_t = std::max(state.lost_report_t, change.t);
}

void Fold(State& state, const SchedulePut& change) {
  ChannelState* channel = Find(state, change.id);
  if (channel != nullptr) channel->schedules[change.schedule.id] = change.schedule;
}

void Fold(State& state, const ScheduleDeleted& change) {
  if (ChannelState* channel = Find(state, change.id)) channel->schedules.erase(change.schedule);
}

void Fold(State& state, const RequestKept& change) { state.requests.Keep(change.request); }

void Fold(State& state, const RequestForgotten& change) { state.requests.Forget(change.sequence); }

void Fold(State& state, const Audited& change) {
  // A tail that is replayed over newer pages tells what the head knows already.
  if (change.record.sequence > state.audit.sequence) audit::Follow(state.audit, change.record);
}

void Fold(State& state, const OperationPut& change) {
  state.operations[change.operation.id] = change.operation;
}

void Fold(State& state, const OperationMoved& change) {
  const auto found = state.operations.find(change.id);
  if (found != state.operations.end()) found->second.progress = change.progress;
}

void Fold(State& state, const OperationForgotten& change) { state.operations.erase(change.id); }

}  // namespace

void Apply(State& state, const Change& change) {
  std::visit([&state](const auto& one) { Fold(state, one); }, change);
}

uint32_t DepartedPlaceOf(std::string_view identity) {
  const auto hash = crypto::Sha256(AsBytes(identity));
  return Reader(hash).U32() % kDepartedPlaces;
}

KeyNumber LastKeyNumber(const State& state, const KeyGroupName& group) {
  const auto retired = state.retired.find(group);
  return retired == state.retired.end() ? state.unknown_groups : retired->second;
}

}  // namespace keymast::rekey
