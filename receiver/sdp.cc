// SPDX-License-Identifier: Apache-2.0
#include "receiver/sdp.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "mikey/mbms.h"

namespace keymast::receiver {
namespace {

constexpr size_t kMaxJoinUri = 255;  // an identity of MIKEYv2 §3.2

// Cut takes what comes before the next `separator` off the front of `text`.
std::string_view Cut(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view head = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return head;
}

template <class Int>
bool ParseNumber(std::string_view text, Int& out, Int highest) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() &&
         out <= highest;
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet >= 0x20 && octet != 0x7f;
  });
}

// Description gathers lines; each Take... gives the error of its line.
class Description {
 public:
  Status TakeLine(std::string_view line);
  Status Finish() const;
  ChannelSdp channel;

 private:
  using Taker = Status (Description::*)(std::string_view);
  struct Attribute {
    std::string_view name;
    bool of_media;
    Taker take;
  };
  static const Attribute kAttributes[];

  Status TakeVersion(std::string_view value);
  Status TakeMedia(std::string_view value);
  Status TakeConnection(std::string_view value);
  Status TakeAttribute(std::string_view value);
  Status TakeChannel(std::string_view value);
  Status TakeDomain(std::string_view value);
  Status TakeGroup(std::string_view value);
  Status TakeMtk(std::string_view value);
  Status TakeJoin(std::string_view value);
  Status TakeRtpmap(std::string_view value);
  Status TakeFmtp(std::string_view value);
  Status TakeSsrc(std::string_view value);
  // Once refuses the second of a line that may come once in its section.
  bool Once(std::string_view what) {
    return seen_.insert(std::to_string(channel.streams.size()) + ":" + std::string(what)).second;
  }
  bool Seen(size_t section, std::string_view what) const {
    return seen_.count(std::to_string(section) + ":" + std::string(what)) != 0;
  }
  SdpStream& stream() { return channel.streams.back(); }

  std::set<std::string> seen_;
};

const Description::Attribute Description::kAttributes[] = {
    {"keymast-channel", false, &Description::TakeChannel},
    {"keymast-key-domain", false, &Description::TakeDomain},
    {"keymast-key-group", false, &Description::TakeGroup},
    {"keymast-mtk", false, &Description::TakeMtk},
    {"mikeyv2-join", false, &Description::TakeJoin},
    {"rtpmap", true, &Description::TakeRtpmap},
    {"fmtp", true, &Description::TakeFmtp},
    {"ssrc", true, &Description::TakeSsrc},
};

Status Description::TakeVersion(std::string_view value) {
  if (value != "0") return Err(Error::kUnknownVersion);
  return {};
}

// m=<media> <port> RTP/SAVP <payload type>: RFC 8866 §5.14, profile of RFC 3711 §12.
Status Description::TakeMedia(std::string_view value) {
  if (channel.streams.size() == mikey::kMaxStreams) return Err(Error::kTooLong);
  SdpStream next;
  next.media = Cut(value, ' ');
  uint16_t port = 0;
  if (next.media.empty() || !ParseNumber<uint16_t>(Cut(value, ' '), port, 65535) || port == 0) {
    return Err(Error::kMalformed);
  }
  if (Cut(value, ' ') != "RTP/SAVP") return Err(Error::kUnsupportedPolicy);
  if (!ParseNumber<uint8_t>(value, next.payload_type, 127)) return Err(Error::kMalformed);
  next.group.port = port;
  channel.streams.push_back(std::move(next));
  return {};
}

// c=IN IP4 <group>/<ttl>, c=IN IP6 <group>: RFC 8866 §5.7.
Status Description::TakeConnection(std::string_view value) {
  if (channel.streams.empty() || !Once("c")) return Err(Error::kMalformed);
  if (Cut(value, ' ') != "IN") return Err(Error::kMalformed);
  const std::string_view family = Cut(value, ' ');
  const Result<Endpoint> address = ParseAddress(Cut(value, '/'));
  if (!address || !address->IsMulticast()) return Err(Error::kMalformed);
  const bool is_ipv4 = address->family == Endpoint::Family::kIpv4;
  if (family != (is_ipv4 ? "IP4" : "IP6")) return Err(Error::kMalformed);
  if (is_ipv4 && !ParseNumber<uint8_t>(value, stream().ttl, 255)) return Err(Error::kMalformed);
  if (!is_ipv4 && !value.empty()) return Err(Error::kMalformed);
  const uint16_t port = stream().group.port;
  stream().group = *address;
  stream().group.port = port;
  return {};
}

Status Description::TakeAttribute(std::string_view value) {
  const std::string_view name = Cut(value, ':');
  for (const Attribute& attribute : kAttributes) {
    if (attribute.name != name) continue;
    if (attribute.of_media == channel.streams.empty() || !Once(name)) {
      return Err(Error::kMalformed);
    }
    return (this->*attribute.take)(value);
  }
  return {};  // RFC 8866 §6: attributes that are not understood are ignored
}

Status Description::TakeChannel(std::string_view value) {
  if (value.empty()) return Err(Error::kMalformed);
  channel.channel = value;
  return {};
}

Status Description::TakeDomain(std::string_view value) {
  Bytes octets;
  if (value.size() != 6 || !FromHex(value, octets)) return Err(Error::kMalformed);
  std::copy(octets.begin(), octets.end(), channel.domain.octets.begin());
  return {};
}

Status Description::TakeGroup(std::string_view value) {
  if (!ParseNumber<uint16_t>(value, channel.key_group.value, 65535)) return Err(Error::kMalformed);
  return {};
}

Status Description::TakeMtk(std::string_view value) {
  const Result<Endpoint> endpoint = ParseEndpoint(value);
  if (!endpoint || !endpoint->IsMulticast() || endpoint->port == 0) return Err(Error::kMalformed);
  channel.mtk = *endpoint;
  return {};
}

// a=mikeyv2-join:<host> <port> <URI of the group>: MIKEYv2 §12.
Status Description::TakeJoin(std::string_view value) {
  channel.join_host = Cut(value, ' ');
  const bool is_port = ParseNumber<uint16_t>(Cut(value, ' '), channel.join_port, 65535);
  channel.join_uri = value;
  const bool is_whole = !channel.join_host.empty() && is_port && channel.join_port != 0 &&
                        !value.empty() && value.size() <= kMaxJoinUri;
  return is_whole ? Status() : Err(Error::kMalformed);
}

// a=rtpmap:<pt> <encoding> and a=fmtp:<pt> <parameters>: RFC 8866 §6.6, §6.15.
Status Description::TakeRtpmap(std::string_view value) {
  uint8_t payload_type = 0;
  if (!ParseNumber<uint8_t>(Cut(value, ' '), payload_type, 127) || value.empty() ||
      payload_type != stream().payload_type) {
    return Err(Error::kMalformed);
  }
  stream().rtpmap = value;
  return {};
}

Status Description::TakeFmtp(std::string_view value) {
  uint8_t payload_type = 0;
  if (!ParseNumber<uint8_t>(Cut(value, ' '), payload_type, 127) ||
      payload_type != stream().payload_type) {
    return Err(Error::kMalformed);
  }
  stream().fmtp = value;
  return {};
}

// a=ssrc:<ssrc> cname:<...>: RFC 5576 §4.1.
Status Description::TakeSsrc(std::string_view value) {
  uint32_t ssrc = 0;
  if (!ParseNumber<uint32_t>(Cut(value, ' '), ssrc, 0xffffffff)) return Err(Error::kMalformed);
  stream().ssrc = Ssrc(ssrc);
  return {};
}

Status Description::TakeLine(std::string_view line) {
  if (line.size() > kMaxSdpLine) return Err(Error::kTooLong);
  if (line.size() < 2 || line[1] != '=' || !IsPrintable(line)) return Err(Error::kMalformed);
  const std::string_view value = line.substr(2);
  const bool is_session_line = line[0] == 'v' || line[0] == 'o' || line[0] == 's' || line[0] == 't';
  if (is_session_line && (!channel.streams.empty() || !Once(line.substr(0, 1)))) {
    return Err(Error::kMalformed);
  }
  if (line[0] != 'v' && !Seen(0, "v")) return Err(Error::kUnknownVersion);  // v= comes first
  switch (line[0]) {
    case 'v':
      return TakeVersion(value);
    case 'o':
      channel.origin = value;
      return {};
    case 's':
      channel.name = value;
      return {};
    case 'm':
      return TakeMedia(value);
    case 'c':
      return TakeConnection(value);
    case 'a':
      return TakeAttribute(value);
    default:
      return {};
  }
}

Status Description::Finish() const {
  for (const std::string_view needed :
       {"v", "keymast-channel", "keymast-key-domain", "keymast-key-group", "keymast-mtk"}) {
    if (!Seen(0, needed)) return Err(Error::kPayloadMissing);
  }
  if (channel.streams.empty()) return Err(Error::kPayloadMissing);
  std::set<uint32_t> ssrcs;
  for (size_t i = 0; i < channel.streams.size(); ++i) {
    for (const std::string_view needed : {"c", "rtpmap", "ssrc"}) {
      if (!Seen(i + 1, needed)) return Err(Error::kPayloadMissing);
    }
    // RFC 3711 §9.1: one MTK serves all streams, so their SSRCs differ.
    if (!ssrcs.insert(channel.streams[i].ssrc.value).second) return Err(Error::kSsrcInUse);
  }
  return {};
}

tl::unexpected<Failure> Refusal(Error error, size_t line) {
  return Fail(error, "session description, line " + std::to_string(line) + ": " +
                         std::string(ErrorName(error)));
}

}  // namespace

tl::expected<ChannelSdp, Failure> ParseSdp(std::string_view text) {
  if (text.size() > kMaxSdp) return Refusal(Error::kTooLong, 0);
  Description description;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    std::string_view line = Cut(text, '\n');
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() && text.empty()) break;
    if (const Status taken = description.TakeLine(line); !taken) {
      return Refusal(taken.error(), number);
    }
  }
  if (const Status finished = description.Finish(); !finished) {
    return Refusal(finished.error(), number);
  }
  return std::move(description.channel);
}

}  // namespace keymast::receiver
