// SPDX-License-Identifier: Apache-2.0
// The server's side of the conversation, as messages.
#pragma once

#include "crypto/boxes.h"
#include "headend/headend.h"
#include "tests/unit/headend/listener.h"

namespace keymast::headend {

inline void SetTime(google::protobuf::Timestamp& message, Instant instant) {
  message.set_seconds(ToUnixNanos(instant) / 1'000'000'000);
  message.set_nanos(static_cast<int32_t>(ToUnixNanos(instant) % 1'000'000'000));
}

inline v1::SrtpProfile ProfileMessage(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAesCm128HmacSha1_80:
      return v1::AES_CM_128_HMAC_SHA1_80;
    case SrtpProfile::kAesCm128HmacSha1_32:
      return v1::AES_CM_128_HMAC_SHA1_32;
    case SrtpProfile::kAesCm256HmacSha1_80:
      return v1::AES_256_CM_HMAC_SHA1_80;
    case SrtpProfile::kAeadAes128Gcm:
      return v1::AEAD_AES_128_GCM;
    case SrtpProfile::kAeadAes256Gcm:
      return v1::AEAD_AES_256_GCM;
  }
  return v1::SRTP_PROFILE_UNSPECIFIED;
}

// ChannelMessage spells a definition as the server does.
inline v1::Channel ChannelMessage(const ChannelDefinition& channel) {
  v1::Channel message;
  message.set_name("channels/" + channel.id.value);
  SetTime(*message.mutable_create_time(), FromUnixNanos(channel.created));
  v1::Multicast& multicast = *message.mutable_multicast();
  multicast.set_group(AddressToString(channel.group));
  multicast.set_interface_address(channel.interface_address);
  multicast.set_ttl(channel.ttl);
  multicast.set_dscp(channel.dscp);
  for (const StreamDefinition& stream : channel.streams) {
    v1::Stream& one = *message.add_streams();
    one.set_media(stream.media);
    one.set_port(stream.port);
    one.set_ssrc(stream.ssrc.value);
    one.set_payload_type(stream.payload_type);
    one.set_rtpmap("X/" + std::to_string(stream.clock_rate) + "/2");
    if (stream.initial_sequence) one.set_initial_sequence(*stream.initial_sequence);
  }
  message.set_key_domain(ToHex(channel.domain.octets));
  message.set_key_group(channel.key_group.value);
  message.set_srtp_profile(ProfileMessage(channel.profile));
  message.mutable_policy()->mutable_mtk_period()->set_seconds(
      std::chrono::duration_cast<std::chrono::seconds>(channel.mtk_period).count());
  message.mutable_policy()->set_max_datagram(static_cast<uint32_t>(channel.max_datagram));
  return message;
}

// KeySource seals for one headend.
class KeySource {
 public:
  KeySource(HeadendId headend, ByteView public_key)
      : headend_(std::move(headend)), public_key_(public_key.begin(), public_key.end()) {}

  v1::HeadendDirective Challenge() {
    rng_.Fill(expected_);
    const auto box = crypto::SealBox(public_key_, crypto::kHeadendChallengePurpose,
                                     crypto::HeadendChallengeAad(headend_), expected_, rng_);
    v1::HeadendDirective directive;
    directive.mutable_challenge()->set_box(std::string(AsText(*box)));
    return directive;
  }
  bool IsProof(const v1::HeadendReport& report) const {
    return Equal(AsBytes(report.proof()), expected_);
  }

  static v1::HeadendDirective Define(const ChannelDefinition& channel) {
    v1::HeadendDirective directive;
    *directive.mutable_definition()->mutable_channel() = ChannelMessage(channel);
    return directive;
  }
  static v1::HeadendDirective Dropped(const std::string& name) {
    v1::HeadendDirective directive;
    directive.set_dropped_channel(name);
    return directive;
  }

  v1::HeadendDirective Box(const ChannelDefinition& channel, const TrafficKey& key) {
    const Announced& announced = key.announced;
    const crypto::TrafficKeyContext context{
        channel.id,          headend_,        announced.name.msk, announced.name.mtk,
        announced.switch_at, announced.epoch, channel.profile};
    Bytes plain(key.key.view().begin(), key.key.view().end());
    plain.insert(plain.end(), key.salt.view().begin(), key.salt.view().end());
    const auto box = crypto::SealBox(public_key_, crypto::kTrafficKeyPurpose,
                                     crypto::TrafficKeyAad(context), plain, rng_);
    v1::HeadendDirective directive;
    v1::TrafficKeyBox& message = *directive.mutable_key();
    message.set_channel("channels/" + channel.id.value);
    message.set_msk_id(announced.name.msk.value());
    message.set_mtk_id(announced.name.mtk.value);
    SetTime(*message.mutable_switch_time(), announced.switch_at);
    message.set_epoch(announced.epoch);
    message.set_srtp_profile(ProfileMessage(channel.profile));
    message.set_box(std::string(AsText(*box)));
    return directive;
  }

 private:
  HeadendId headend_;
  Bytes public_key_;
  crypto::SeededRng rng_{99};
  std::array<uint8_t, 32> expected_{};
};

}  // namespace keymast::headend
