// SPDX-License-Identifier: Apache-2.0
#include "server/conflicts.h"

#include <algorithm>
#include <set>

#include "rekey/calendar.h"
#include "server/names.h"
#include "server/translate.h"

namespace keymast::server {
namespace {

// Schedules and windows that are looked at: the loop does nothing else meanwhile.
constexpr size_t kMost = 100'000;

using At = std::pair<Instant, const rekey::ChannelState*>;

Conflict ConflictOf(const controller::Controller& controller, const std::vector<At>& changes,
                    size_t begin, size_t end) {
  Conflict conflict;
  conflict.at = changes[begin].first;
  Duration lead = Duration::max();
  std::set<const rekey::ChannelState*> known;
  for (size_t i = begin; i < end; ++i) {
    if (!known.insert(changes[i].second).second) continue;
    const groups::Channel& channel = changes[i].second->channel;
    const uint64_t joined = controller.JoinedCount(channel.id);
    conflict.channels.push_back(channel.id);
    conflict.recipients += joined;
    conflict.messages_per_second += std::min<uint64_t>(joined, channel.policy.msk_pacing_rate);
    lead = std::min(lead, channel.policy.msk_lead);
  }
  // Spread over their lead, one delivery is over before most others begin.
  conflict.suggested_jitter = lead;
  return conflict;
}

}  // namespace

std::optional<std::vector<Conflict>> FindConflicts(const controller::Controller& controller,
                                                   const controller::Scope& scope,
                                                   const ConflictSearch& search) {
  std::vector<At> changes;
  size_t room = kMost;
  for (const auto& [id, channel] : controller.state().channels) {
    if (!scope.Has(id)) continue;
    const auto plans =
        rekey::Upcoming(channel, search.now, kMost, search.until, Instant::min(), &room);
    if (room == 0) return std::nullopt;
    for (const auto& plan : plans) changes.emplace_back(plan.at, &channel);
  }
  std::sort(changes.begin(), changes.end(), [](const At& a, const At& b) {
    return a.first != b.first ? a.first < b.first : a.second->channel.id < b.second->channel.id;
  });
  std::vector<Conflict> conflicts;
  for (size_t begin = 0; begin < changes.size() && conflicts.size() < search.most;) {
    size_t end = begin + 1;
    while (end < changes.size() && changes[end].first - changes[begin].first <= search.within) {
      ++end;
    }
    if (changes[begin].first > search.after) {
      Conflict conflict = ConflictOf(controller, changes, begin, end);
      if (conflict.channels.size() > 1) conflicts.push_back(std::move(conflict));
    }
    begin = end;
  }
  return conflicts;
}

v1::RekeyConflict ToProto(const Conflict& conflict) {
  v1::RekeyConflict message;
  *message.mutable_time() = ToProto(conflict.at);
  for (const ChannelId& channel : conflict.channels) message.add_channels(NameOf(channel));
  message.set_recipients(conflict.recipients);
  message.set_messages_per_second(conflict.messages_per_second);
  *message.mutable_suggested_jitter() = ToProto(conflict.suggested_jitter);
  return message;
}

}  // namespace keymast::server
