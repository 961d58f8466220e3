// SPDX-License-Identifier: Apache-2.0
#include "headend/directives.h"

#include <charconv>

#include "crypto/boxes.h"
#include "srtp/policy.h"

namespace keymast::headend {
namespace {

constexpr std::string_view kChannels = "channels/";
constexpr size_t kMaxName = 63;
constexpr int64_t kNanos = 1'000'000'000;
constexpr int64_t kMaxSeconds = INT64_MAX / kNanos - 1;
constexpr uint32_t kLastRtpPort = 65534;  // RTCP goes to the next one
constexpr uint32_t kMaxDatagram = 65507;
constexpr uint32_t kDefaultClockRate = 90000;

Result<Instant> ReadInstant(const google::protobuf::Timestamp& time) {
  if (time.seconds() < 0 || time.seconds() > kMaxSeconds || time.nanos() < 0 ||
      time.nanos() >= kNanos) {
    return Err(Error::kMalformed);
  }
  return FromUnixNanos(time.seconds() * kNanos + time.nanos());
}

Result<SrtpProfile> ReadProfile(v1::SrtpProfile profile) {
  switch (profile) {
    case v1::AES_CM_128_HMAC_SHA1_80:
      return SrtpProfile::kAesCm128HmacSha1_80;
    case v1::AES_CM_128_HMAC_SHA1_32:
      return SrtpProfile::kAesCm128HmacSha1_32;
    case v1::AES_256_CM_HMAC_SHA1_80:
      return SrtpProfile::kAesCm256HmacSha1_80;
    case v1::AEAD_AES_128_GCM:
      return SrtpProfile::kAeadAes128Gcm;
    case v1::AEAD_AES_256_GCM:
      return SrtpProfile::kAeadAes256Gcm;
    default:
      return Err(Error::kUnsupportedPolicy);
  }
}

// The rate of `H264/90000` or `opus/48000/2`; 90 kHz where it says none.
uint32_t ClockRate(std::string_view rtpmap) {
  const size_t slash = rtpmap.find('/');
  if (slash == std::string_view::npos) return kDefaultClockRate;
  const std::string_view text = rtpmap.substr(slash + 1);
  uint32_t rate = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
  return error == std::errc() && rate != 0 ? rate : kDefaultClockRate;
}

Result<StreamDefinition> ReadStream(const v1::Stream& message) {
  if (message.port() == 0 || message.port() > kLastRtpPort || message.payload_type() > 127 ||
      message.initial_sequence() > 0xffff || message.media().empty() ||
      message.media().size() > kMaxName) {
    return Err(Error::kMalformed);
  }
  StreamDefinition stream;
  stream.media = message.media();
  stream.port = static_cast<uint16_t>(message.port());
  stream.ssrc = Ssrc(message.ssrc());
  stream.payload_type = static_cast<uint8_t>(message.payload_type());
  stream.clock_rate = ClockRate(message.rtpmap());
  if (message.has_initial_sequence()) {
    stream.initial_sequence = static_cast<uint16_t>(message.initial_sequence());
  }
  return stream;
}

Status ReadMulticast(const v1::Multicast& message, ChannelDefinition& channel) {
  const Result<Endpoint> group = ParseAddress(message.group());
  if (!group || !group->IsMulticast() || message.ttl() > 255 || message.dscp() > 63) {
    return Err(Error::kMalformed);
  }
  const std::string& interface_address = message.interface_address();
  if (!interface_address.empty() && !ParseAddress(interface_address)) {
    return Err(Error::kMalformed);
  }
  if (message.sources_size() > kMaxSources) return Err(Error::kMalformed);
  for (const std::string& text : message.sources()) {
    const Result<Endpoint> source = ParseAddress(text);
    if (!source) return Err(Error::kMalformed);
    channel.sources.push_back(*source);
  }
  channel.group = *group;
  channel.interface_address = interface_address;
  channel.ttl = static_cast<uint8_t>(message.ttl());
  channel.dscp = static_cast<uint8_t>(message.dscp());
  return {};
}

// Every SSRC is unique: two streams with one would use the same keystream.
bool HasTwoWithOneSsrc(const std::vector<StreamDefinition>& streams) {
  for (size_t i = 0; i < streams.size(); ++i) {
    for (size_t j = i + 1; j < streams.size(); ++j) {
      if (streams[i].ssrc == streams[j].ssrc) return true;
    }
  }
  return false;
}

Status ReadKeying(const v1::Channel& message, ChannelDefinition& channel) {
  Bytes domain;
  if (!FromHex(message.key_domain(), domain) || domain.size() != channel.domain.octets.size() ||
      message.key_group() > 0xffff) {
    return Err(Error::kMalformed);
  }
  std::copy(domain.begin(), domain.end(), channel.domain.octets.begin());
  channel.key_group = KeyGroup(static_cast<uint16_t>(message.key_group()));
  const Result<SrtpProfile> profile = ReadProfile(message.srtp_profile());
  if (!profile) return Err(profile.error());
  channel.profile = *profile;
  const google::protobuf::Duration& period = message.policy().mtk_period();
  if (period.seconds() < 0 || period.seconds() > kMaxSeconds || period.nanos() < 0 ||
      period.nanos() >= kNanos || message.policy().max_datagram() > kMaxDatagram) {
    return Err(Error::kMalformed);
  }
  channel.mtk_period = Duration(period.seconds() * kNanos + period.nanos());
  if (message.policy().max_datagram() != 0) channel.max_datagram = message.policy().max_datagram();
  return {};
}

}  // namespace

Result<ChannelId> ChannelOf(std::string_view name) {
  if (!name.starts_with(kChannels)) return Err(Error::kMalformed);
  const std::string_view id = name.substr(kChannels.size());
  const bool is_plain =
      id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
  if (id.empty() || id.size() > kMaxName || !is_plain) return Err(Error::kMalformed);
  return ChannelId(std::string(id));
}

Result<ChannelDefinition> ReadChannel(const v1::Channel& message) {
  ChannelDefinition channel;
  const Result<ChannelId> id = ChannelOf(message.name());
  const Result<Instant> created = ReadInstant(message.create_time());
  if (!id || !created || message.streams_size() == 0 || message.streams_size() > kMaxStreams) {
    return Err(Error::kMalformed);
  }
  channel.id = *id;
  channel.created = ToUnixNanos(*created);
  if (const Status read = ReadMulticast(message.multicast(), channel); !read) {
    return Err(read.error());
  }
  for (const v1::Stream& stream : message.streams()) {
    Result<StreamDefinition> read = ReadStream(stream);
    if (!read) return Err(read.error());
    channel.streams.push_back(std::move(*read));
  }
  if (HasTwoWithOneSsrc(channel.streams)) return Err(Error::kSsrcInUse);
  if (const Status read = ReadKeying(message, channel); !read) return Err(read.error());
  return channel;
}

Positions ReadPositions(const v1::ChannelDefinition& message) {
  Positions positions;
  for (const v1::StreamPosition& position : message.positions()) {
    if (position.index() > srtp::kIndexMask) continue;
    PacketIndex& highest = positions[Ssrc(position.ssrc())];
    highest = std::max(highest, PacketIndex(position.index()));
  }
  return positions;
}

Result<TrafficKey> OpenTrafficKey(const v1::TrafficKeyBox& box, const crypto::KeyPair& keys,
                                  const HeadendId& headend, const ChannelDefinition& channel) {
  const Result<Instant> switch_at = ReadInstant(box.switch_time());
  if (!switch_at || box.mtk_id() == 0 || box.mtk_id() > 0xffff) return Err(Error::kMalformed);
  const Result<SrtpProfile> profile = ReadProfile(box.srtp_profile());
  if (!profile) return Err(profile.error());
  if (*profile != channel.profile) return Err(Error::kUnsupportedPolicy);
  const KeyName name{MskId::FromValue(box.msk_id()), MtkId(static_cast<uint16_t>(box.mtk_id()))};
  const crypto::TrafficKeyContext context{channel.id, headend,     name.msk, name.mtk,
                                          *switch_at, box.epoch(), *profile};
  const Result<crypto::SecretBytes> plain = crypto::OpenBox(
      keys, crypto::kTrafficKeyPurpose, crypto::TrafficKeyAad(context), AsBytes(box.box()));
  if (!plain) return Err(plain.error());
  const srtp::ProfileInfo& info = srtp::InfoOf(*profile);
  if (plain->size() != size_t{info.key_length} + info.salt_length) return Err(Error::kUnexpected);
  const ByteView octets(*plain);
  return TrafficKey{{name, *switch_at, box.epoch()},
                    crypto::Key32(octets.first(info.key_length)),
                    crypto::Salt14(octets.subspan(info.key_length))};
}

}  // namespace keymast::headend
