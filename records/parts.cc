// SPDX-License-Identifier: Apache-2.0
#include "records/parts.h"

#include <algorithm>

namespace keymast::records {
namespace {

using Take = std::function<void(const rekey::Change&)>;

// Sorted is the entries of an unordered map in order of their keys.
template <class Map>
auto Sorted(const Map& map) {
  std::vector<const typename Map::value_type*> entries;
  entries.reserve(map.size());
  for (const auto& entry : map) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  return entries;
}

void TakeChannel(const ChannelId& id, const rekey::ChannelState& channel, const Take& take) {
  take(rekey::ChannelPut{channel.channel});
  rekey::Ladder ladder = channel.ladder;
  for (auto* msk : {&ladder.msk, &ladder.next_msk}) {
    if (*msk) (*msk)->counter.next = (*msk)->counter.end;
  }
  take(rekey::LadderPut{id, std::move(ladder)});
  for (const auto& [schedule, one] : channel.schedules) take(rekey::SchedulePut{id, one});
  take(rekey::PositionsPut{id, channel.positions});
  for (const rekey::Rekey& rekey : channel.history) take(rekey::RekeyRecorded{id, rekey});
  for (const auto* member : Sorted(channel.members)) take(rekey::MemberPut{id, member->second});
}

// The head of the audit log, as records that lead to it.
void TakeAudit(const audit::Head& head, const Take& take) {
  audit::Record record;
  if (head.checkpoint != 0) {
    record.sequence = head.checkpoint;
    record.time = head.checkpoint_at;
    record.method = audit::kCheckpoint;
    if (head.checkpoint == head.sequence) record.hash = head.hash;
    take(rekey::Audited{record});
  }
  if (head.checkpoint == head.sequence) return;
  record = {};
  record.sequence = head.sequence;
  record.hash = head.hash;
  take(rekey::Audited{record});
}

}  // namespace

void ForEachPart(const rekey::State& state, const Take& take) {
  take(rekey::MukCounterReserved{state.muk_counter.end});
  take(rekey::UnknownGroupsSkipped{state.unknown_groups});
  for (const auto& [group, last] : state.retired) take(rekey::KeyGroupRetired{group, last});
  // What says nothing is no part: a state that was read of an older format keeps its hash.
  if (state.lost_report_t != 0) take(rekey::ReportsSkipped{state.lost_report_t});
  if (state.tickets.past != Instant::min()) take(rekey::TicketsPast{state.tickets.past});
  for (const auto& [place, leaves] : state.departed) take(rekey::DepartedKept{place, leaves});
  for (const auto& [number, key] : state.tickets.keys) take(rekey::TicketKeyPut{key});
  for (const rekey::SpentTicket& ticket : state.tickets.spent) take(rekey::TicketSpent{ticket});
  for (const auto* subscriber : Sorted(state.subscribers)) {
    take(rekey::SubscriberPut{subscriber->second.subscriber, subscriber->second.user_key});
  }
  for (const auto& [id, channel] : state.channels) TakeChannel(id, channel, take);
  for (const auto& [id, headend] : state.headends) take(rekey::HeadendPut{headend});
  for (const auto& [age, request] : state.requests.by_age()) take(rekey::RequestKept{request});
  for (const auto& [id, operation] : state.operations) take(rekey::OperationPut{operation});
  if (state.audit.sequence != 0) TakeAudit(state.audit, take);
}

}  // namespace keymast::records
