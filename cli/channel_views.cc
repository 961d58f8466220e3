// SPDX-License-Identifier: Apache-2.0
#include "cli/channel_views.h"

#include <ostream>

#include "cli/channels.h"
#include "cli/names.h"

namespace keymast::cli {
namespace {

std::string Counts(const v1::Channel& channel) {
  return std::to_string(channel.member_count()) + " members, " +
         std::to_string(channel.joined_count()) + " joined, " +
         std::to_string(channel.confirmed_count()) + " confirmed";
}

std::string StreamCell(const v1::Stream& stream) {
  char ssrc[11];
  std::snprintf(ssrc, sizeof ssrc, "0x%08x", stream.ssrc());
  return stream.media() + " port " + std::to_string(stream.port()) + ", SSRC " + ssrc + ", " +
         std::to_string(stream.payload_type()) + " " + stream.rtpmap();
}

void AppendPolicy(const v1::KeyPolicy& policy, Pairs& pairs) {
  pairs.push_back({"MTK", "every " + DurationCell(policy.mtk_period()) + ", lead " +
                              DurationCell(policy.mtk_lead()) + ", repeated each " +
                              DurationCell(policy.mtk_repetition())});
  pairs.push_back({"MSK", "every " + DurationCell(policy.msk_period()) + ", lead " +
                              DurationCell(policy.msk_lead()) + ", give up after " +
                              DurationCell(policy.msk_give_up())});
  if (policy.has_msk_longest_life()) {
    pairs.push_back({"longest MSK", DurationCell(policy.msk_longest_life())});
  }
  if (policy.msk_pacing_rate() > 0) {
    pairs.push_back({"MSK pacing", std::to_string(policy.msk_pacing_rate()) + " messages/s"});
  }
  if (policy.mtk_ids_per_msk() > 0) {
    pairs.push_back({"MTK ids per MSK", std::to_string(policy.mtk_ids_per_msk())});
  }
  if (policy.max_datagram() > 0) {
    pairs.push_back({"max datagram", std::to_string(policy.max_datagram()) + " octets"});
  }
  pairs.push_back({"exclusion lead", DurationCell(policy.exclusion_lead())});
  std::string on_leave = v1::LeavePolicy_Name(policy.leave_policy());
  if (policy.leave_policy() == v1::BATCHED) {
    on_leave += ", window " + DurationCell(policy.batch_window());
  }
  pairs.push_back({"on leave", std::move(on_leave)});
}

}  // namespace

void WriteChannel(const v1::Channel& channel, std::ostream& out) {
  const v1::Multicast& multicast = channel.multicast();
  const v1::KeyState& keys = channel.key_state();
  Pairs pairs = {{"name", channel.name()},
                 {"display name", channel.display_name()},
                 {"group", multicast.group()},
                 {"MTK port", std::to_string(multicast.mtk_port())},
                 {"interface", multicast.interface_address()},
                 {"TTL", std::to_string(multicast.ttl())}};
  for (const std::string& source : multicast.sources()) pairs.push_back({"source", source});
  for (const v1::Stream& stream : channel.streams())
    pairs.push_back({"stream", StreamCell(stream)});
  pairs.push_back({"key domain", channel.key_domain()});
  pairs.push_back({"key group", std::to_string(channel.key_group())});
  pairs.push_back({"profile", v1::SrtpProfile_Name(channel.srtp_profile())});
  if (channel.has_policy()) AppendPolicy(channel.policy(), pairs);
  pairs.push_back({"active MSK/MTK", SlotCell(keys.active())});
  pairs.push_back({"prepared MSK/MTK", SlotCell(keys.prepared())});
  pairs.push_back({"prepared switch",
                   TimeCell(keys.prepared().switch_time(), keys.prepared().has_switch_time())});
  pairs.push_back({"next MSK", keys.next_msk_id()});
  pairs.push_back(
      {"next MSK change", TimeCell(keys.next_msk_change_time(), keys.has_next_msk_change_time())});
  if (keys.switch_held()) pairs.push_back({"switch held", "no headend holds the next key"});
  if (channel.state() > v1::ON_AIR) {
    pairs.push_back({"state", v1::ChannelState_Name(channel.state())});
  }
  pairs.push_back({"members", Counts(channel)});
  pairs.push_back({"created", TimeCell(channel.create_time(), channel.has_create_time())});
  pairs.push_back({"etag", channel.etag()});
  WritePairs(pairs, out);
}

namespace {

template <class List>
void WriteRows(const List& list, std::ostream& out) {
  Table table({"CHANNEL", "GROUP", "PROFILE", "MEMBERS", "JOINED", "CONFIRMED", "ACTIVE MSK/MTK",
               "DISPLAY NAME"});
  for (const v1::Channel& channel : list.channels()) {
    table.Add({LastSegment(channel.name()), channel.multicast().group(),
               v1::SrtpProfile_Name(channel.srtp_profile()), std::to_string(channel.member_count()),
               std::to_string(channel.joined_count()), std::to_string(channel.confirmed_count()),
               SlotCell(channel.key_state().active()), channel.display_name()});
  }
  table.Write(out);
}

}  // namespace

void WriteChannels(const v1::ListChannelsResponse& list, std::ostream& out) {
  WriteRows(list, out);
}

void WriteChosenChannels(const v1::BatchGetChannelsResponse& list, std::ostream& out) {
  WriteRows(list, out);
}

}  // namespace keymast::cli
