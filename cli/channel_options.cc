// SPDX-License-Identifier: Apache-2.0
#include "cli/channel_options.h"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace keymast::cli {
namespace {

bool Number(std::string_view text, uint32_t& value) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value, hex ? 16 : 10);
  return !text.empty() && read.ec == std::errc() && read.ptr == end;
}

// An enum by its name, written as typed on a command line: `next-msk` for NEXT_MSK.
bool EnumOf(const google::protobuf::EnumDescriptor* type, std::string text, int& value) {
  std::replace(text.begin(), text.end(), '-', '_');
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  const auto* found = type->FindValueByName(text);
  if (found == nullptr || found->number() == 0) return false;
  value = found->number();
  return true;
}

std::string NamesOf(const google::protobuf::EnumDescriptor* type) {
  std::string names;
  for (int i = 1; i < type->value_count(); ++i) {
    names += (i > 1 ? ", " : "") + type->value(i)->name();
  }
  return names;
}

// ApplySpans sets each duration of the policy that was given.
Outcome<void> ApplySpans(const KeyPolicyOptions& options, v1::KeyPolicy& policy) {
  const std::tuple<const char*, const std::string*,
                   google::protobuf::Duration* (v1::KeyPolicy::*)()>
      rows[] = {
          {"--mtk-period", &options.mtk_period, &v1::KeyPolicy::mutable_mtk_period},
          {"--mtk-lead", &options.mtk_lead, &v1::KeyPolicy::mutable_mtk_lead},
          {"--mtk-repetition", &options.mtk_repetition, &v1::KeyPolicy::mutable_mtk_repetition},
          {"--msk-period", &options.msk_period, &v1::KeyPolicy::mutable_msk_period},
          {"--msk-lead", &options.msk_lead, &v1::KeyPolicy::mutable_msk_lead},
          {"--msk-give-up", &options.msk_give_up, &v1::KeyPolicy::mutable_msk_give_up},
          {"--exclusion-lead", &options.exclusion_lead, &v1::KeyPolicy::mutable_exclusion_lead},
          {"--batch-window", &options.batch_window, &v1::KeyPolicy::mutable_batch_window}};
  for (const auto& [option, text, field] : rows) {
    if (text->empty()) continue;
    if (auto parsed = ParseSpan(option, *text, *(policy.*field)()); !parsed) return parsed;
  }
  return {};
}

Outcome<void> ApplyPolicy(const KeyPolicyOptions& options, v1::Channel& channel) {
  v1::KeyPolicy policy = channel.policy();
  if (auto applied = ApplySpans(options, policy); !applied) return applied;
  if (!options.leave_policy.empty()) {
    int value = 0;
    if (!EnumOf(v1::LeavePolicy_descriptor(), options.leave_policy, value)) {
      return UsageProblem("--leave-policy: one of " + NamesOf(v1::LeavePolicy_descriptor()));
    }
    policy.set_leave_policy(static_cast<v1::LeavePolicy>(value));
  }
  if (options.mtk_ids_per_msk != 0) policy.set_mtk_ids_per_msk(options.mtk_ids_per_msk);
  if (options.max_datagram != 0) policy.set_max_datagram(options.max_datagram);
  if (options.msk_pacing_rate != 0) policy.set_msk_pacing_rate(options.msk_pacing_rate);
  if (policy.ByteSizeLong() > 0) *channel.mutable_policy() = policy;
  return {};
}

void ApplyMulticast(const ChannelOptions& options, v1::Channel& channel) {
  const bool typed = !options.group.empty() || !options.interface_address.empty() ||
                     options.mtk_port != 0 || options.ttl >= 0 || options.dscp >= 0;
  if (!typed) return;
  v1::Multicast& multicast = *channel.mutable_multicast();
  if (!options.group.empty()) multicast.set_group(options.group);
  if (!options.interface_address.empty()) {
    multicast.set_interface_address(options.interface_address);
  }
  if (options.mtk_port != 0) multicast.set_mtk_port(options.mtk_port);
  if (options.ttl >= 0) multicast.set_ttl(static_cast<uint32_t>(options.ttl));
  if (options.dscp >= 0) multicast.set_dscp(static_cast<uint32_t>(options.dscp));
}

// Overlay is MergeFrom, but for values that are messages: half a second and a second make a second.
void Overlay(const google::protobuf::Message& from, google::protobuf::Message& onto) {
  std::vector<const google::protobuf::FieldDescriptor*> given;
  from.GetReflection()->ListFields(from, &given);
  for (const auto* field : given) {
    const auto* type = field->message_type();
    if (field->is_repeated() || type == nullptr || type->file()->package() == "google.protobuf") {
      onto.GetReflection()->ClearField(&onto, field);
    } else {
      Overlay(from.GetReflection()->GetMessage(from, field),
              *onto.GetReflection()->MutableMessage(&onto, field));
    }
  }
  onto.MergeFrom(from);
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
  if (!is_whole || !Number(parts[1], port) || !Number(parts[2], ssrc) ||
      !Number(parts[3], payload_type)) {
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

Outcome<void> Apply(const ChannelOptions& options, v1::Channel& channel) {
  if (!options.file.empty()) {
    v1::Channel from_file;
    if (auto read = ReadJson(options.file, from_file); !read) return read;
    Overlay(from_file, channel);
  }
  if (!options.display_name.empty()) channel.set_display_name(options.display_name);
  ApplyMulticast(options, channel);
  for (const std::string& text : options.streams) {
    auto stream = ParseStream(text);
    if (!stream) return tl::unexpected(stream.error());
    *channel.add_streams() = std::move(*stream);
  }
  if (!options.key_domain.empty()) channel.set_key_domain(options.key_domain);
  if (options.key_group != 0) channel.set_key_group(options.key_group);
  if (!options.profile.empty()) {
    int value = 0;
    if (!EnumOf(v1::SrtpProfile_descriptor(), options.profile, value)) {
      return UsageProblem("--profile: one of " + NamesOf(v1::SrtpProfile_descriptor()));
    }
    channel.set_srtp_profile(static_cast<v1::SrtpProfile>(value));
  }
  return ApplyPolicy(options.policy, channel);
}

}  // namespace keymast::cli
