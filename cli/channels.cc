// SPDX-License-Identifier: Apache-2.0
#include "cli/channels.h"

#include <memory>
#include <ostream>
#include <sstream>

#include "cli/channel_views.h"
#include "cli/commands.h"
#include "cli/fields.h"
#include "cli/methods.h"

namespace keymast::cli {
namespace {

// What an update may change.
constexpr FieldRow kChangeable[] = {
    {"display_name", "--display-name", "TEXT", "For people"},
    {"policy.mtk_period", "--mtk-period", "DURATION", "MTK life, as 10s"},
    {"policy.mtk_lead", "--mtk-lead", "DURATION", "Next MTK is announced this long ahead"},
    {"policy.mtk_repetition", "--mtk-repetition", "DURATION", "MTK message is repeated each"},
    {"policy.msk_period", "--msk-period", "DURATION", "MSK life, as 1h"},
    {"policy.msk_lead", "--msk-lead", "DURATION", "Next MSK is delivered this long ahead"},
    {"policy.msk_give_up", "--msk-give-up", "DURATION", "Then a member is unreachable"},
    {"policy.msk_longest_life", "--msk-longest-life", "DURATION",
     "No blackout puts an MSK change off beyond this age"},
    {"policy.exclusion_lead", "--exclusion-lead", "DURATION", "Expulsion to switch"},
    {"policy.leave_policy", "--leave-policy", "POLICY", "What a leave does to the keys"},
    {"policy.batch_window", "--batch-window", "DURATION", "For --leave-policy batched"},
    {"policy.mtk_ids_per_msk", "--mtk-ids-per-msk", "N", "2 to 65535"},
    {"policy.max_datagram", "--max-datagram", "OCTETS", "UDP payload to the group, at most"},
    {"policy.msk_pacing_rate", "--msk-pacing-rate", "N", "MSK messages a second"},
};

constexpr FieldRow kFixed[] = {
    {"multicast.group", "--group", "ADDRESS", "Multicast address"},
    {"multicast.mtk_port", "--mtk-port", "PORT", "UDP port of MTK messages"},
    {"multicast.interface_address", "--interface", "ADDRESS", "Address to send from"},
    {"multicast.ttl", "--ttl", "N", "0 keeps packets on this host"},
    {"multicast.dscp", "--dscp", "N", "DiffServ code point"},
    {"key_domain", "--key-domain", "DIGITS", "MCC and MNC, 6 hexadecimal digits"},
    {"key_group", "--key-group", "N", "1 to 65535"},
    {"srtp_profile", "--profile", "PROFILE", "SRTP profile"},
};

// A file is taken before the options, which come on top of it.
Option FileOption(v1::Channel& channel, google::protobuf::FieldMask* mask) {
  const Taker take = [&channel, mask](const std::string& path) -> Outcome<void> {
    v1::Channel from_file;
    if (auto read = ReadJson(path, from_file); !read) return read;
    if (mask != nullptr && !from_file.name().empty() && from_file.name() != channel.name()) {
      return UsageProblem("--file: " + path + " is of " + from_file.name() + ", not of " +
                          channel.name());
    }
    Overlay(from_file, channel);
    if (mask == nullptr) return {};
    // What is fixed goes along unnamed: it must be as it is.
    v1::Channel changeable;
    changeable.set_display_name(from_file.display_name());
    *changeable.mutable_policy() = from_file.policy();
    AddToMask(changeable, "", *mask);
    return {};
  };
  return Valued("--file", "FILE", "Channel as protobuf JSON; options come on top", take);
}

Option SourceOption(v1::Channel& channel) {
  const Taker take = [&channel](const std::string& text) -> Outcome<void> {
    channel.mutable_multicast()->add_sources(text);
    return {};
  };
  return Valued("--source", "ADDRESS",
                "Address that the group's packets come from (SSM); once per source", take)
      .Repeated();
}

Option StreamOption(v1::Channel& channel) {
  const Taker take = [&channel](const std::string& text) -> Outcome<void> {
    auto stream = ParseStream(text);
    if (!stream) return tl::unexpected(stream.error());
    *channel.add_streams() = std::move(*stream);
    return {};
  };
  return Valued("--stream", "STREAM", "MEDIA:PORT:SSRC:PAYLOAD_TYPE:RTPMAP[:FMTP]; once per stream",
                take)
      .Repeated();
}

void AddCreate(Command& group) {
  Command& command = group.Add("create", "Create a channel and its first keys");
  auto& request = Calls<v1::CreateChannelRequest>(command, "Channels.CreateChannel", WriteChannel);
  command.Add(Id("CHANNEL", "channels/", *request.mutable_channel_id()));
  command.Add(FileOption(*request.mutable_channel(), nullptr));
  const Fields fields(*request.mutable_channel());
  AddFields(command, fields, kFixed);
  command.Add(SourceOption(*request.mutable_channel()));
  command.Add(StreamOption(*request.mutable_channel()));
  AddFields(command, fields, kChangeable);
  group.Example(
      "keymastctl channels create news --group 239.255.42.1 --key-domain 262f01 "
      "--key-group 1 --profile aead-aes-128-gcm "
      "--stream video:5004:0xa0000001:96:H264/90000");
}

void AddUpdate(Command& group) {
  Command& command = group.Add("update", "Change display name and policy");
  auto& request = Calls<v1::UpdateChannelRequest>(command, "Channels.UpdateChannel", WriteChannel);
  v1::Channel& channel = *request.mutable_channel();
  command.Add(Named("CHANNEL", "channels/", *channel.mutable_name()));
  command.Add(FileOption(channel, request.mutable_update_mask()));
  AddFields(command, Fields(channel, request.mutable_update_mask()), kChangeable);
  command.Add(Fields(channel).Of("etag", "--etag", "ETAG", "Only while it still has this etag"));
  group.Example("keymastctl channels update news --mtk-period 5s --validate-only");
}

Outcome<void> PrintSdp(Context& context, const v1::GetChannelRequest& request) {
  auto found = FetchChannel(context, request.name());
  if (!found) return tl::unexpected(found.error());
  context.out << found->sdp();
  return {};
}

}  // namespace

Outcome<v1::Stream> ParseStream(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream rest(text);
  // The fmtp value comes last and may hold colons.
  for (std::string part; parts.size() < 5 && std::getline(rest, part, ':');) parts.push_back(part);
  std::string fmtp;
  std::getline(rest, fmtp);
  uint32_t port = 0, ssrc = 0, payload_type = 0;
  const bool is_whole = parts.size() == 5 && !parts[0].empty() && !parts[4].empty();
  if (!is_whole || !ReadNumber(parts[1], port) || !ReadNumber(parts[2], ssrc) ||
      !ReadNumber(parts[3], payload_type)) {
    return UsageProblem(
        "--stream: \"" + text + "\" is not MEDIA:PORT:SSRC:PAYLOAD_TYPE:RTPMAP[:FMTP]",
        "for example --stream video:5004:0xa0000001:96:H264/90000");
  }
  v1::Stream stream;
  stream.set_media(parts[0]);
  stream.set_port(port);
  stream.set_ssrc(ssrc);
  stream.set_payload_type(payload_type);
  stream.set_rtpmap(parts[4]);
  stream.set_fmtp(fmtp);
  return stream;
}

// MergeFrom adds values that are messages field by field: half a second and a second would make a
// second and a half.
void Overlay(const google::protobuf::Message& from, google::protobuf::Message& onto) {
  std::vector<const google::protobuf::FieldDescriptor*> given;
  from.GetReflection()->ListFields(from, &given);
  const std::unique_ptr<google::protobuf::Message> whole(from.New());
  whole->CopyFrom(from);
  for (const auto* field : given) {
    const auto* type = field->message_type();
    if (field->is_repeated() || type == nullptr || type->file()->package() == "google.protobuf") {
      onto.GetReflection()->ClearField(&onto, field);
    } else {
      Overlay(from.GetReflection()->GetMessage(from, field),
              *onto.GetReflection()->MutableMessage(&onto, field));
      whole->GetReflection()->ClearField(whole.get(), field);
    }
  }
  onto.MergeFrom(*whole);
}

Outcome<v1::Channel> FetchChannel(Context& context, const std::string& name) {
  v1::GetChannelRequest request;
  request.set_name(name);
  v1::Channel response;
  if (auto called = context.session.Call("Channels.GetChannel", request, response); !called) {
    return tl::unexpected(called.error());
  }
  return response;
}

std::string SlotCell(const v1::KeySlot& slot) {
  return slot.msk_id().empty() ? "" : slot.msk_id() + "/" + std::to_string(slot.mtk_id());
}

void AddChannels(Command& program) {
  Command& group = program.Add("channels", "Broadcast channels");
  AddCreate(group);
  AddUpdate(group);
  AddNamed<v1::GetChannelRequest>(group, "get", "Show a channel", "Channels.GetChannel",
                                  {"CHANNEL", "channels/"}, WriteChannel);
  AddEach<v1::BatchGetChannelsRequest>(group, "batch-get", "Show some channels: all or none",
                                       "Channels.BatchGetChannels", {"CHANNEL", "channels/"},
                                       WriteChosenChannels);
  Lists<v1::ListChannelsRequest>(group.Add("list", "List channels"), "Channels.ListChannels",
                                 WriteChannels);
  group.Example(
      "keymastctl channels list --filter 'key_state.switch_held = true' --order-by 'create_time "
      "desc'");
  AddDelete<v1::DeleteChannelRequest, v1::DeleteChannelResponse>(
      group, "Delete a channel", "Channels.DeleteChannel", {"CHANNEL", "channels/"},
      "Even if it has members");
  Command& sdp = group.Add("sdp", "Print the SDP that receivers start from, in any format");
  sdp.Add(Named("CHANNEL", "channels/",
                *OptionsOf<v1::GetChannelRequest>(sdp, PrintSdp).mutable_name()));
  group.Example("keymastctl channels sdp news > news.sdp");
}

}  // namespace keymast::cli
