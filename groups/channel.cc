// SPDX-License-Identifier: Apache-2.0
// A channel's definition: what the rest of the system takes for granted of it.
#include <algorithm>

#include "groups/group.h"

namespace keymast::groups {
namespace {

constexpr size_t kMaxId = 63;
constexpr size_t kMaxText = 255;
constexpr size_t kMaxStreams = 16;  // entries of the SRTP-ID map in an MSK message
constexpr uint8_t kMaxDscp = 63;
constexpr uint8_t kMaxPayloadType = 127;
// RTP of these types with the marker bit looks like RTCP (RFC 5761 §4).
constexpr uint8_t kFirstRtcpLike = 64;
constexpr uint8_t kLastRtcpLike = 95;

using Violations = std::vector<FieldViolation>;

void Unless(bool holds, Violations& wrong, std::string field, std::string description) {
  if (!holds) wrong.push_back({std::move(field), std::move(description)});
}

// Text of ours goes into SDP lines: printable, no line ends.
bool IsOneLine(std::string_view text) {
  return text.size() <= kMaxText && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

// 232.0.0.0/8 and ff3x::/32 (RFC 4607 §1): nobody joins a group of them without naming a source.
bool IsSourceSpecific(const Endpoint& group) {
  const auto& address = group.address;
  if (group.family == Endpoint::Family::kIpv4) return address[0] == 232;
  return address[0] == 0xff && (address[1] & 0xf0) == 0x30 && address[2] == 0 && address[3] == 0;
}

bool IsSource(const Endpoint& address, Endpoint::Family family) {
  const bool is_unspecified = std::all_of(address.address.begin(), address.address.end(),
                                          [](uint8_t octet) { return octet == 0; });
  return address.family == family && !address.IsMulticast() && !is_unspecified;
}

constexpr const char* kSources = "channel.multicast.sources";

void CheckSources(const Multicast& multicast, Violations& wrong) {
  const std::vector<Endpoint>& sources = multicast.sources;
  const std::string path = kSources;
  if (sources.empty()) return;
  if (sources.size() > kMaxSources) {
    return Unless(false, wrong, path, "must have at most 8 entries");
  }
  for (size_t i = 0; i < sources.size(); ++i) {
    const bool is_first = std::find(sources.begin(), sources.end(), sources[i]) ==
                          sources.begin() + static_cast<ptrdiff_t>(i);
    Unless(is_first && IsSource(sources[i], multicast.mtk.family), wrong,
           path + "[" + std::to_string(i) + "]",
           "must be a unicast address of the group's family that is named once");
  }
  const Result<Endpoint> own = ParseAddress(multicast.interface_address);
  Unless(own && std::find(sources.begin(), sources.end(), *own) != sources.end(), wrong,
         "channel.multicast.interface_address",
         "must be one of `sources`: MTK messages come from it");
}

void CheckMulticast(const Multicast& multicast, Violations& wrong) {
  Unless(multicast.mtk.IsMulticast(), wrong, "channel.multicast.group",
         "must be an IPv4 or IPv6 multicast address");
  Unless(multicast.mtk.port != 0, wrong, "channel.multicast.mtk_port", "must be from 1 to 65535");
  Unless(multicast.dscp <= kMaxDscp, wrong, "channel.multicast.dscp", "must be from 0 to 63");
  CheckSources(multicast, wrong);
  if (multicast.interface_address.empty()) return;
  const Result<Endpoint> address = ParseAddress(multicast.interface_address);
  Unless(address && address->family == multicast.mtk.family, wrong,
         "channel.multicast.interface_address",
         "must be empty or an address of the same family as the group");
}

// PortsMeet is true when SRTP or SRTCP (port + 1) of one would arrive at the other's socket.
bool PortsMeet(uint16_t a, uint16_t b) { return a == b || a + 1 == b || b + 1 == a; }

void CheckStream(const Stream& stream, const std::string& path, uint16_t mtk_port,
                 Violations& wrong) {
  const bool media =
      stream.media == "video" || stream.media == "audio" || stream.media == "application";
  Unless(media, wrong, path + ".media", "must be video, audio or application");
  Unless(stream.port != 0 && stream.port < 65535, wrong, path + ".port",
         "must be from 1 to 65534: SRTCP takes the port above");
  Unless(stream.port != mtk_port && stream.port + 1 != mtk_port, wrong, path + ".port",
         "meets the port of MTK messages (" + std::to_string(mtk_port) + ")");
  const bool is_rtcp_like =
      stream.payload_type >= kFirstRtcpLike && stream.payload_type <= kLastRtcpLike;
  Unless(stream.payload_type <= kMaxPayloadType && !is_rtcp_like, wrong, path + ".payload_type",
         "must be from 0 to 63 or from 96 to 127");
  // In an MSK message 0 leaves the choice to the receiver (RFC 3830 §6.1.1).
  Unless(stream.ssrc.value != 0, wrong, path + ".ssrc", "must be set, and not be 0");
  Unless(!stream.rtpmap.empty() && IsOneLine(stream.rtpmap), wrong, path + ".rtpmap",
         "must be one line such as H264/90000");
  Unless(IsOneLine(stream.fmtp), wrong, path + ".fmtp", "must be one line of at most 255 octets");
}

void CheckStreams(const Channel& channel, Violations& wrong) {
  const std::vector<Stream>& streams = channel.streams;
  Unless(!streams.empty() && streams.size() <= kMaxStreams, wrong, "channel.streams",
         "has " + std::to_string(streams.size()) + " entries; must have 1 to 16");
  // Each of them is held against all before it.
  if (streams.size() > kMaxStreams) return;
  for (size_t i = 0; i < streams.size(); ++i) {
    const std::string path = "channel.streams[" + std::to_string(i) + "]";
    CheckStream(streams[i], path, channel.multicast.mtk.port, wrong);
    for (size_t k = 0; k < i; ++k) {
      const std::string other = " of streams[" + std::to_string(k) + "]";
      // One master key serves all streams: only the SSRC keeps their keystreams apart
      // (RFC 3711 §9.1).
      Unless(streams[i].ssrc != streams[k].ssrc, wrong, path + ".ssrc", "is also the SSRC" + other);
      Unless(!PortsMeet(streams[i].port, streams[k].port), wrong, path + ".port",
             "meets the ports" + other);
    }
  }
}

bool IsKnown(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAesCm128HmacSha1_80:
    case SrtpProfile::kAesCm128HmacSha1_32:
    case SrtpProfile::kAeadAes128Gcm:
    case SrtpProfile::kAeadAes256Gcm:
    case SrtpProfile::kAesCm256HmacSha1_80:
      return true;
  }
  return false;
}

}  // namespace

bool IsResourceId(std::string_view id) {
  if (id.empty() || id.size() > kMaxId || id[0] < 'a' || id[0] > 'z') return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool IsIdentity(std::string_view identity) {
  return !identity.empty() && identity.size() <= kMaxText &&
         std::none_of(identity.begin(), identity.end(),
                      [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

std::vector<FieldViolation> CheckChannel(const Channel& channel) {
  Violations wrong;
  Unless(IsResourceId(channel.id.value), wrong, "channel_id", std::string(kResourceIdRule));
  Unless(IsOneLine(channel.display_name), wrong, "channel.display_name",
         "must be one line of at most 255 octets");
  CheckMulticast(channel.multicast, wrong);
  CheckStreams(channel, wrong);
  Unless(channel.key_group.value != 0, wrong, "channel.key_group", "must be from 1 to 65535");
  Unless(IsKnown(channel.profile), wrong, "channel.srtp_profile", "is no profile of this server");
  for (FieldViolation& violation : CheckPolicy(channel.policy, 0)) {
    wrong.push_back(std::move(violation));
  }
  return wrong;
}

std::vector<FieldViolation> CheckNewChannel(const Channel& channel) {
  Violations wrong = CheckChannel(channel);
  Unless(!channel.multicast.sources.empty() || !IsSourceSpecific(channel.multicast.mtk), wrong,
         kSources, "must be named: a group of 232.0.0.0/8 or ff3x::/32 is joined by source alone");
  return wrong;
}

}  // namespace keymast::groups
