// SPDX-License-Identifier: Apache-2.0
#include "cli/channels.h"

#include <ostream>

#include "cli/channel_options.h"

namespace keymast::cli {
namespace {

std::string SlotCell(const v1::KeySlot& slot) {
  return slot.msk_id().empty() ? "" : slot.msk_id() + "/" + std::to_string(slot.mtk_id());
}

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

void AppendPolicy(const v1::KeyPolicy& policy,
                  std::vector<std::pair<std::string, std::string>>& pairs) {
  pairs.push_back({"MTK", "every " + DurationCell(policy.mtk_period()) + ", lead " +
                              DurationCell(policy.mtk_lead()) + ", repeated each " +
                              DurationCell(policy.mtk_repetition())});
  pairs.push_back({"MSK", "every " + DurationCell(policy.msk_period()) + ", lead " +
                              DurationCell(policy.msk_lead()) + ", give up after " +
                              DurationCell(policy.msk_give_up())});
  pairs.push_back({"exclusion lead", DurationCell(policy.exclusion_lead())});
  pairs.push_back({"on leave", v1::LeavePolicy_Name(policy.leave_policy())});
}

void WriteChannel(const v1::Channel& channel, std::ostream& out) {
  const v1::Multicast& multicast = channel.multicast();
  const v1::KeyState& keys = channel.key_state();
  std::vector<std::pair<std::string, std::string>> pairs = {
      {"name", channel.name()},
      {"display name", channel.display_name()},
      {"group", multicast.group()},
      {"MTK port", std::to_string(multicast.mtk_port())},
      {"interface", multicast.interface_address()},
      {"TTL", std::to_string(multicast.ttl())}};
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
  pairs.push_back({"members", Counts(channel)});
  pairs.push_back({"created", TimeCell(channel.create_time(), channel.has_create_time())});
  pairs.push_back({"etag", channel.etag()});
  WritePairs(pairs, out);
}

void WriteChannels(const v1::ListChannelsResponse& list, std::ostream& out) {
  Table table({"CHANNEL", "GROUP", "PROFILE", "MEMBERS", "JOINED", "CONFIRMED", "ACTIVE MSK/MTK",
               "DISPLAY NAME"});
  for (const v1::Channel& channel : list.channels()) {
    table.Add({LastSegment(channel.name()), channel.multicast().group(),
               v1::SrtpProfile_Name(channel.srtp_profile()), std::to_string(channel.member_count()),
               std::to_string(channel.joined_count()), std::to_string(channel.confirmed_count()),
               SlotCell(channel.key_state().active()), channel.display_name()});
  }
  table.Write(out);
  MorePages(list.next_page_token(), out);
}

Outcome<v1::Channel> Fetch(Context& context, const std::string& channel) {
  v1::GetChannelRequest request;
  request.set_name(ChannelName(channel));
  v1::Channel response;
  if (auto called = context.session.Call("Channels.GetChannel", request, response); !called) {
    return tl::unexpected(called.error());
  }
  return response;
}

}  // namespace

Outcome<void> CreateChannel(Context& context, const ChannelOptions& options) {
  v1::CreateChannelRequest request;
  request.set_channel_id(LastSegment(options.id));
  request.set_validate_only(options.validate_only);
  if (auto applied = Apply(options, *request.mutable_channel()); !applied) return applied;
  return CallAndShow<v1::Channel>(context, "Channels.CreateChannel", request, WriteChannel);
}

Outcome<void> UpdateChannel(Context& context, const ChannelOptions& options) {
  auto channel = Fetch(context, options.id);
  if (!channel) return tl::unexpected(channel.error());
  v1::UpdateChannelRequest request;
  request.set_validate_only(options.validate_only);
  // The etag goes with it: a change made by somebody else meanwhile is not undone.
  request.mutable_channel()->set_name(channel->name());
  request.mutable_channel()->set_etag(channel->etag());
  request.mutable_channel()->set_display_name(channel->display_name());
  *request.mutable_channel()->mutable_policy() = channel->policy();
  if (auto applied = Apply(options, *request.mutable_channel()); !applied) return applied;
  if (request.channel().name() != channel->name()) {
    return UsageProblem("--file: " + options.file + " is of " + request.channel().name() +
                        ", not of " + channel->name());
  }
  return CallAndShow<v1::Channel>(context, "Channels.UpdateChannel", request, WriteChannel);
}

Outcome<void> GetChannel(Context& context, const std::string& channel) {
  auto found = Fetch(context, channel);
  if (!found) return tl::unexpected(found.error());
  return Show(context, *found, WriteChannel);
}

Outcome<void> ListChannels(Context& context, const PageOptions& page) {
  v1::ListChannelsResponse response;
  auto listed = List(context, "Channels.ListChannels", page, v1::ListChannelsRequest(), response);
  return listed ? Show(context, response, WriteChannels) : listed;
}

Outcome<void> DeleteChannel(Context& context, const std::string& channel, bool force) {
  v1::DeleteChannelRequest request;
  request.set_name(ChannelName(channel));
  request.set_force(force);
  return CallAndShow<v1::DeleteChannelResponse>(
      context, "Channels.DeleteChannel", request,
      [&](const v1::DeleteChannelResponse&, std::ostream& out) {
        out << "deleted " << request.name() << "\n";
      });
}

Outcome<void> PrintSdp(Context& context, const std::string& channel) {
  auto found = Fetch(context, channel);
  if (!found) return tl::unexpected(found.error());
  context.out << found->sdp();
  return {};
}

}  // namespace keymast::cli
