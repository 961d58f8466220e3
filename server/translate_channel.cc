// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "rekey/ladder.h"
#include "server/masks.h"
#include "server/names.h"
#include "server/sdp.h"
#include "server/translate.h"

namespace keymast::server {
namespace {

constexpr uint16_t kMaxDatagramIpv6 = 1232;

struct ProfileName {
  SrtpProfile value;
  v1::SrtpProfile message;
};
constexpr std::array<ProfileName, 5> kProfiles{{
    {SrtpProfile::kAesCm128HmacSha1_80, v1::AES_CM_128_HMAC_SHA1_80},
    {SrtpProfile::kAesCm128HmacSha1_32, v1::AES_CM_128_HMAC_SHA1_32},
    {SrtpProfile::kAesCm256HmacSha1_80, v1::AES_256_CM_HMAC_SHA1_80},
    {SrtpProfile::kAeadAes128Gcm, v1::AEAD_AES_128_GCM},
    {SrtpProfile::kAeadAes256Gcm, v1::AEAD_AES_256_GCM},
}};

SrtpProfile FromProto(v1::SrtpProfile message, Violations& violations) {
  for (const ProfileName& profile : kProfiles) {
    if (profile.message == message) return profile.value;
  }
  if (message != v1::SRTP_PROFILE_UNSPECIFIED) {
    violations.Add("channel.srtp_profile", "is no profile that this server knows");
  }
  return SrtpProfile::kAesCm128HmacSha1_80;
}

// Narrow refuses a number that its field of the core cannot hold.
template <class Int>
Int Narrow(uint32_t value, const std::string& field, Violations& violations) {
  if (value > std::numeric_limits<Int>::max()) {
    violations.Add(field, "must be at most " + std::to_string(std::numeric_limits<Int>::max()));
    return 0;
  }
  return static_cast<Int>(value);
}

groups::Multicast FromProto(const v1::Multicast& message, uint16_t default_port,
                            Violations& violations) {
  const std::string path = "channel.multicast.";
  groups::Multicast multicast;
  if (const auto group = ParseAddress(message.group())) {
    multicast.mtk = *group;
  } else {
    violations.Add(path + "group", "must be an IPv4 or IPv6 multicast address");
  }
  const uint16_t port = Narrow<uint16_t>(message.mtk_port(), path + "mtk_port", violations);
  multicast.mtk.port = port == 0 ? default_port : port;
  if (!message.interface_address().empty() && !ParseAddress(message.interface_address())) {
    violations.Add(path + "interface_address", "must be the address of an interface of this host");
  }
  multicast.interface_address = message.interface_address();
  multicast.ttl = Narrow<uint8_t>(message.ttl(), path + "ttl", violations);
  multicast.dscp = Narrow<uint8_t>(message.dscp(), path + "dscp", violations);
  // One more than there may be is enough for the refusal.
  const int read = std::min(static_cast<int>(groups::kMaxSources) + 1, message.sources_size());
  for (int i = 0; i < read; ++i) {
    const auto source = ParseAddress(message.sources(i));
    if (source) {
      multicast.sources.push_back(*source);
    } else {
      violations.Add(path + "sources[" + std::to_string(i) + "]", "must be an address");
    }
  }
  return multicast;
}

groups::Stream FromProto(const v1::Stream& message, const std::string& path,
                         Violations& violations) {
  groups::Stream stream;
  stream.media = message.media();
  stream.port = Narrow<uint16_t>(message.port(), path + "port", violations);
  stream.ssrc = Ssrc(message.ssrc());
  stream.payload_type = Narrow<uint8_t>(message.payload_type(), path + "payload_type", violations);
  stream.rtpmap = message.rtpmap();
  stream.fmtp = message.fmtp();
  if (message.has_initial_sequence()) {
    stream.initial_sequence =
        Narrow<uint16_t>(message.initial_sequence(), path + "initial_sequence", violations);
  }
  return stream;
}

std::vector<groups::Stream> StreamsOf(const v1::Channel& message, Violations& violations) {
  std::vector<groups::Stream> streams;
  for (int i = 0; i < message.streams_size(); ++i) {
    const std::string path = "channel.streams[" + std::to_string(i) + "].";
    streams.push_back(FromProto(message.streams(i), path, violations));
  }
  return streams;
}

// What receivers and headends were told when the channel was made is not changed under them.
void KeepFixed(const v1::Channel& asked, const groups::Channel& channel, Violations& violations) {
  Violations unused;  // a value that cannot be read is not the channel's either
  const auto keep = [&](bool kept, const char* field) {
    if (!kept) violations.Add(field, "is fixed: leave it out, or give it as it is");
  };
  if (asked.has_multicast()) {
    keep(FromProto(asked.multicast(), channel.multicast.mtk.port, unused) == channel.multicast,
         "channel.multicast");
  }
  if (asked.streams_size() > 0) {
    keep(StreamsOf(asked, unused) == channel.streams, "channel.streams");
  }
  if (!asked.key_domain().empty()) {
    Bytes domain;
    const bool read = FromHex(asked.key_domain(), domain);
    const auto& octets = channel.key_domain.octets;
    keep(read && std::equal(domain.begin(), domain.end(), octets.begin(), octets.end()),
         "channel.key_domain");
  }
  keep(asked.key_group() == 0 || asked.key_group() == channel.key_group.value, "channel.key_group");
  keep(asked.srtp_profile() == v1::SRTP_PROFILE_UNSPECIFIED ||
           asked.srtp_profile() == server::ToProto(channel.profile),
       "channel.srtp_profile");
}

struct PolicyDuration {
  const char* field;
  bool (v1::KeyPolicy::*has)() const;
  const google::protobuf::Duration& (v1::KeyPolicy::*get)() const;
  google::protobuf::Duration* (v1::KeyPolicy::*set)();
  Duration groups::KeyPolicy::*value;
};
#define KEYMAST_POLICY_DURATION(name)                                                        \
  {                                                                                          \
#name, &v1::KeyPolicy::has_##name, &v1::KeyPolicy::name, &v1::KeyPolicy::mutable_##name, \
        &groups::KeyPolicy::name                                                             \
  }
constexpr std::array<PolicyDuration, 9> kDurations{{
    KEYMAST_POLICY_DURATION(mtk_period),
    KEYMAST_POLICY_DURATION(mtk_lead),
    KEYMAST_POLICY_DURATION(mtk_repetition),
    KEYMAST_POLICY_DURATION(msk_period),
    KEYMAST_POLICY_DURATION(msk_lead),
    KEYMAST_POLICY_DURATION(msk_give_up),
    KEYMAST_POLICY_DURATION(exclusion_lead),
    KEYMAST_POLICY_DURATION(batch_window),
    KEYMAST_POLICY_DURATION(msk_longest_life),
}};
#undef KEYMAST_POLICY_DURATION

groups::KeyPolicy FromProto(const v1::KeyPolicy& message, bool ipv6, Violations& violations) {
  const std::string path = "channel.policy.";
  groups::KeyPolicy policy;
  for (const PolicyDuration& duration : kDurations) {
    if (!(message.*duration.has)()) continue;
    policy.*duration.value =
        server::FromProto((message.*duration.get)(), path + duration.field, violations);
  }
  if (!v1::LeavePolicy_IsValid(message.leave_policy())) {
    violations.Add(path + "leave_policy", "must be IMMEDIATE, BATCHED or NEXT_MSK");
  } else if (message.leave_policy() != v1::LEAVE_POLICY_UNSPECIFIED) {
    policy.leave = static_cast<groups::LeavePolicy>(message.leave_policy());
  }
  if (message.mtk_ids_per_msk() != 0) {
    policy.mtk_ids_per_msk =
        Narrow<uint16_t>(message.mtk_ids_per_msk(), path + "mtk_ids_per_msk", violations);
  }
  if (ipv6) policy.max_datagram = kMaxDatagramIpv6;
  if (message.max_datagram() != 0) {
    policy.max_datagram =
        Narrow<uint16_t>(message.max_datagram(), path + "max_datagram", violations);
  }
  if (message.msk_pacing_rate() != 0) policy.msk_pacing_rate = message.msk_pacing_rate();
  return policy;
}

v1::KeyPolicy ToProto(const groups::KeyPolicy& policy) {
  v1::KeyPolicy message;
  for (const PolicyDuration& duration : kDurations) {
    *(message.*duration.set)() = server::ToProto(policy.*duration.value);
  }
  if (policy.msk_longest_life == Duration::zero()) message.clear_msk_longest_life();
  message.set_leave_policy(static_cast<v1::LeavePolicy>(policy.leave));
  message.set_mtk_ids_per_msk(policy.mtk_ids_per_msk);
  message.set_max_datagram(policy.max_datagram);
  message.set_msk_pacing_rate(policy.msk_pacing_rate);
  return message;
}

v1::Multicast ToProto(const groups::Multicast& multicast) {
  v1::Multicast message;
  message.set_group(AddressToString(multicast.mtk));
  message.set_mtk_port(multicast.mtk.port);
  message.set_interface_address(multicast.interface_address);
  message.set_ttl(multicast.ttl);
  message.set_dscp(multicast.dscp);
  for (const Endpoint& source : multicast.sources) message.add_sources(AddressToString(source));
  return message;
}

v1::Stream ToProto(const groups::Stream& stream) {
  v1::Stream message;
  message.set_media(stream.media);
  message.set_port(stream.port);
  message.set_ssrc(stream.ssrc.value);
  message.set_payload_type(stream.payload_type);
  message.set_rtpmap(stream.rtpmap);
  message.set_fmtp(stream.fmtp);
  if (stream.initial_sequence) message.set_initial_sequence(*stream.initial_sequence);
  return message;
}

v1::KeySlot ToProto(const rekey::Slot& slot) {
  v1::KeySlot message;
  message.set_msk_id(server::ToProto(slot.msk));
  message.set_mtk_id(slot.mtk.value);
  *message.mutable_switch_time() = server::ToProto(slot.switch_at);
  return message;
}

v1::KeyState ToProto(const rekey::Ladder& ladder) {
  v1::KeyState message;
  if (ladder.active) *message.mutable_active() = ToProto(*ladder.active);
  if (ladder.prepared) *message.mutable_prepared() = ToProto(*ladder.prepared);
  if (ladder.next_msk) message.set_next_msk_id(server::ToProto(ladder.next_msk->id));
  message.set_epoch(ladder.epoch);
  if (ladder.next_msk_change != kNever) {
    *message.mutable_next_msk_change_time() = server::ToProto(ladder.next_msk_change);
  }
  return message;
}

v1::ChannelState StateOf(const controller::Controller& controller,
                         const rekey::ChannelState& channel) {
  if (controller.SwitchIsHeld(channel.channel.id)) return v1::SWITCH_HELD;
  return rekey::CanMakeMsk(channel.ladder) ? v1::ON_AIR : v1::EXHAUSTED;
}

void CountMembers(const controller::Controller& controller, const rekey::ChannelState& channel,
                  v1::Channel& message) {
  message.set_member_count(channel.members.size());
  message.set_joined_count(controller.JoinedCount(channel.channel.id));
  message.set_confirmed_count(controller.ConfirmedCount(channel.channel.id));
}

}  // namespace

v1::SrtpProfile ToProto(SrtpProfile profile) {
  for (const ProfileName& known : kProfiles) {
    if (known.value == profile) return known.message;
  }
  return v1::SRTP_PROFILE_UNSPECIFIED;
}

Outcome<controller::CreateChannel> FromProto(const v1::CreateChannelRequest& request,
                                             const mikey::Profile3gpp& profile) {
  const v1::Channel& message = request.channel();
  Violations violations;
  groups::Channel channel;
  channel.id = ChannelId(request.channel_id());
  if (!groups::IsResourceId(request.channel_id())) {
    violations.Add("channel_id", std::string(groups::kResourceIdRule));
  }
  channel.display_name = message.display_name();
  channel.multicast = FromProto(message.multicast(), profile.mtk_port, violations);
  channel.streams = StreamsOf(message, violations);
  Bytes domain;
  if (message.key_domain().size() == 6 && FromHex(message.key_domain(), domain)) {
    std::copy(domain.begin(), domain.end(), channel.key_domain.octets.begin());
  } else {
    violations.Add("channel.key_domain", "must be MCC and MNC as 6 hexadecimal digits");
  }
  channel.key_group =
      KeyGroup(Narrow<uint16_t>(message.key_group(), "channel.key_group", violations));
  channel.profile = FromProto(message.srtp_profile(), violations);
  const bool ipv6 = channel.multicast.mtk.family == Endpoint::Family::kIpv6;
  channel.policy = FromProto(message.policy(), ipv6, violations);
  if (!violations.empty()) return std::move(violations).Failed();
  return controller::CreateChannel{std::move(channel)};
}

Outcome<controller::UpdateChannel> FromProto(const v1::UpdateChannelRequest& request,
                                             const controller::Controller& controller) {
  const v1::Channel& asked = request.channel();
  const auto& channels = controller.state().channels;
  const auto id = ChannelOf(asked.name());
  const auto found = id ? channels.find(*id) : channels.end();
  if (found == channels.end())
    return tl::unexpected(NoSuch(asked.name(), "channel.name", kChannelForm));
  const groups::Channel& channel = found->second.channel;
  Violations violations;
  KeepFixed(asked, channel, violations);
  if (!violations.empty()) return std::move(violations).Failed(asked.name());
  v1::Channel merged;
  merged.set_display_name(channel.display_name);
  *merged.mutable_policy() = ToProto(channel.policy);
  constexpr std::string_view kChangeable[] = {"display_name", "policy"};
  if (auto read = Merge(asked, &request.update_mask(), kChangeable, merged); !read) {
    return tl::unexpected(read.error());
  }
  const bool ipv6 = channel.multicast.mtk.family == Endpoint::Family::kIpv6;
  controller::UpdateChannel command{*id, merged.display_name(),
                                    FromProto(merged.policy(), ipv6, violations),
                                    VersionOf(asked.etag())};
  if (!violations.empty()) return std::move(violations).Failed(asked.name());
  return command;
}

Outcome<controller::DeleteChannel> FromProto(const v1::DeleteChannelRequest& request) {
  const auto id = ChannelOf(request.name());
  if (!id) return tl::unexpected(NoSuch(request.name(), "name", kChannelForm));
  return controller::DeleteChannel{*id, VersionOf(request.etag()), request.force(),
                                   request.allow_missing()};
}

void FillChangeable(v1::Channel& message, const controller::Controller& controller,
                    const groups::Channel& channel) {
  message.set_display_name(channel.display_name);
  *message.mutable_policy() = ToProto(channel.policy);
  const controller::Config& config = controller.config();
  message.set_sdp(SdpOf(channel, controller::JoinPlace(config.keying, config.profile, channel)));
}

v1::Channel ToProto(const controller::Controller& controller, const rekey::ChannelState& channel) {
  const groups::Channel& value = channel.channel;
  v1::Channel message;
  message.set_name(NameOf(value.id));
  FillChangeable(message, controller, value);
  *message.mutable_multicast() = ToProto(value.multicast);
  for (const groups::Stream& stream : value.streams) *message.add_streams() = ToProto(stream);
  message.set_key_domain(ToHex(value.key_domain.octets));
  message.set_key_group(value.key_group.value);
  message.set_srtp_profile(ToProto(value.profile));
  *message.mutable_key_state() = ToProto(channel.ladder);
  message.mutable_key_state()->set_switch_held(controller.SwitchIsHeld(value.id));
  CountMembers(controller, channel, message);
  *message.mutable_create_time() = ToProto(value.created);
  message.set_etag(EtagOf(groups::VersionOf(value)));
  message.set_state(StateOf(controller, channel));
  return message;
}

}  // namespace keymast::server
