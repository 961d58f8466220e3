// SPDX-License-Identifier: Apache-2.0
#include "receiver/sdp.h"

#include <algorithm>
#include <optional>
#include <set>

#include "mikey/mbms.h"
#include "sdp/session.h"
#include "sdp/text.h"

namespace keymast::receiver {
namespace {

using sdp::Cut;
using sdp::Refusal;
using sdp::TakeNumber;

// Place is where values of attributes go; the stream is null in the session's section. `filtered`
// is the group that the sources are of, where the filter names one.
struct Place {
  ChannelSdp& channel;
  SdpStream* stream;
  std::optional<Endpoint>& filtered;
};

Status TakeChannel(std::string_view value, Place to) {
  if (value.empty()) return Err(Error::kMalformed);
  to.channel.channel = value;
  return {};
}

Status TakeDomain(std::string_view value, Place to) {
  Bytes octets;
  if (value.size() != 6 || !FromHex(value, octets)) return Err(Error::kMalformed);
  std::copy(octets.begin(), octets.end(), to.channel.domain.octets.begin());
  return {};
}

Status TakeGroup(std::string_view value, Place to) {
  const bool read = TakeNumber<uint16_t>(value, to.channel.key_group.value, 65535);
  return read ? Status() : Err(Error::kMalformed);
}

Status TakeMtk(std::string_view value, Place to) {
  const Result<Endpoint> endpoint = ParseEndpoint(value);
  if (!endpoint || !endpoint->IsMulticast() || endpoint->port == 0) return Err(Error::kMalformed);
  to.channel.mtk = *endpoint;
  return {};
}

constexpr size_t kMaxSources = 8;

// a=source-filter: incl IN IP4 <group or *> <source>...: RFC 4570 §3. One that excludes sources, or
// names them by host, is none of ours: to pass over it would be to take packets from anywhere.
Status TakeSources(std::string_view value, Place to) {
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (Cut(value, ' ') != "incl" || Cut(value, ' ') != "IN") return Err(Error::kUnsupportedPolicy);
  const std::string_view type = Cut(value, ' ');
  const auto family = type == "IP6" ? Endpoint::Family::kIpv6 : Endpoint::Family::kIpv4;
  if (type != "IP4" && type != "IP6") return Err(Error::kUnsupportedPolicy);
  if (const std::string_view group = Cut(value, ' '); group != "*") {
    const Result<Endpoint> address = ParseAddress(group);
    if (!address || !address->IsMulticast()) return Err(Error::kMalformed);
    to.filtered = *address;
  }
  while (!value.empty()) {
    const Result<Endpoint> source = ParseAddress(Cut(value, ' '));
    const bool is_one = source && source->family == family && !source->IsMulticast();
    if (!is_one || to.channel.sources.size() == kMaxSources) return Err(Error::kMalformed);
    to.channel.sources.push_back(*source);
  }
  return to.channel.sources.empty() ? Err(Error::kMalformed) : Status();
}

// MIKEYv2 §12.
Status TakeJoin(std::string_view value, Place to) {
  const Result<sdp::JoinTarget> target = sdp::ParseJoin(value);
  if (!target) return Err(target.error());
  to.channel.join_host = target->host;
  to.channel.join_port = target->port;
  to.channel.join_uri = target->uri;
  return {};
}

// OfFormat takes the payload type off the front: it must be the stream's.
bool OfFormat(std::string_view& value, const SdpStream& stream) {
  uint8_t payload_type = 0;
  return TakeNumber<uint8_t>(Cut(value, ' '), payload_type, 127) &&
         payload_type == stream.payload_type;
}

// a=rtpmap:<pt> <encoding> and a=fmtp:<pt> <parameters>: RFC 8866 §6.6, §6.15.
Status TakeRtpmap(std::string_view value, Place to) {
  if (!OfFormat(value, *to.stream) || value.empty()) return Err(Error::kMalformed);
  to.stream->rtpmap = value;
  return {};
}

Status TakeFmtp(std::string_view value, Place to) {
  if (!OfFormat(value, *to.stream)) return Err(Error::kMalformed);
  to.stream->fmtp = value;
  return {};
}

// a=ssrc:<ssrc> cname:<...>: RFC 5576 §4.1.
Status TakeSsrc(std::string_view value, Place to) {
  uint32_t ssrc = 0;
  if (!TakeNumber<uint32_t>(Cut(value, ' '), ssrc, 0xffffffff)) return Err(Error::kMalformed);
  to.stream->ssrc = Ssrc(ssrc);
  return {};
}

struct Known {
  std::string_view name;
  bool of_stream;
  bool needed;
  Status (*take)(std::string_view value, Place to);
};

constexpr Known kAttributes[] = {
    {"keymast-channel", false, true, TakeChannel},
    {"keymast-key-domain", false, true, TakeDomain},
    {"keymast-key-group", false, true, TakeGroup},
    {"keymast-mtk", false, true, TakeMtk},
    {"source-filter", false, false, TakeSources},
    {"mikeyv2-join", false, false, TakeJoin},
    {"rtpmap", true, true, TakeRtpmap},
    {"fmtp", true, false, TakeFmtp},
    {"ssrc", true, true, TakeSsrc},
};

using Taken = tl::expected<void, Failure>;

// TakeAttributes of one section, each of ours once; others are ignored (RFC 8866 §6).
Taken TakeAttributes(const sdp::Attributes& attributes, Place to, size_t last_line) {
  std::set<std::string_view> seen;
  for (const sdp::Attribute& attribute : attributes) {
    const auto* known = std::find_if(std::begin(kAttributes), std::end(kAttributes),
                                     [&](const Known& k) { return k.name == attribute.name; });
    if (known == std::end(kAttributes)) continue;
    const bool is_here = known->of_stream == (to.stream != nullptr);
    if (!is_here || !seen.insert(known->name).second) {
      return Refusal(Error::kMalformed, attribute.line);
    }
    if (const Status taken = known->take(attribute.value, to); !taken) {
      return Refusal(taken.error(), attribute.line);
    }
  }
  for (const Known& known : kAttributes) {
    const bool is_missing =
        known.needed && known.of_stream == (to.stream != nullptr) && !seen.contains(known.name);
    if (is_missing) return Refusal(Error::kPayloadMissing, last_line);
  }
  return {};
}

// IsOfFilter: a filter that was for another group would leave this one open to all.
bool IsOfFilter(const ChannelSdp& channel, const std::optional<Endpoint>& filtered,
                Endpoint group) {
  group.port = 0;
  if (channel.sources.empty()) return true;
  const bool is_of_family = channel.sources.front().family == group.family;
  return is_of_family && (!filtered || *filtered == group);
}

// m=<media> <port> RTP/SAVP <payload type>: profile of RFC 3711 §12, one format, no refusals.
Taken TakeStream(const sdp::Description& description, const sdp::Media& media,
                 std::optional<Endpoint>& filtered, ChannelSdp& channel) {
  if (media.port == 0 || media.formats.size() != 1) return Refusal(Error::kMalformed, media.line);
  if (media.transport != "RTP/SAVP") return Refusal(Error::kUnsupportedPolicy, media.line);
  const sdp::Connection* connection = description.ConnectionOf(media);
  if (connection == nullptr) return Refusal(Error::kPayloadMissing, description.lines);
  if (!connection->address.IsMulticast()) return Refusal(Error::kMalformed, media.line);
  SdpStream stream;
  stream.media = media.media;
  if (!sdp::TakeNumber<uint8_t>(media.formats.front(), stream.payload_type, 127)) {
    return Refusal(Error::kMalformed, media.line);
  }
  stream.group = connection->address;
  stream.group.port = media.port;
  stream.ttl = connection->ttl;
  Taken taken = TakeAttributes(media.attributes, {channel, &stream, filtered}, description.lines);
  if (taken && !IsOfFilter(channel, filtered, stream.group)) {
    return Refusal(Error::kMalformed, media.line);
  }
  if (taken) channel.streams.push_back(std::move(stream));
  return taken;
}

}  // namespace

tl::expected<ChannelSdp, Failure> ParseSdp(std::string_view text) {
  if (text.size() > kMaxSdp) return Refusal(Error::kTooLong, 0);
  const auto description = sdp::Read(text);
  if (!description) return tl::unexpected<Failure>(description.error());
  ChannelSdp channel;
  channel.origin = description->origin;
  channel.name = description->name;
  std::optional<Endpoint> filtered;
  if (const Taken taken =
          TakeAttributes(description->attributes, {channel, nullptr, filtered}, description->lines);
      !taken) {
    return tl::unexpected<Failure>(taken.error());
  }
  if (description->media.empty()) return Refusal(Error::kPayloadMissing, description->lines);
  if (!IsOfFilter(channel, filtered, channel.mtk))
    return Refusal(Error::kMalformed, description->lines);
  std::set<uint32_t> ssrcs;
  for (const sdp::Media& media : description->media) {
    if (channel.streams.size() == mikey::kMaxStreams) return Refusal(Error::kTooLong, media.line);
    if (const Taken taken = TakeStream(*description, media, filtered, channel); !taken) {
      return tl::unexpected<Failure>(taken.error());
    }
    // RFC 3711 §9.1: one MTK serves all streams, so their SSRCs differ.
    if (!ssrcs.insert(channel.streams.back().ssrc.value).second) {
      return Refusal(Error::kSsrcInUse, description->lines);
    }
  }
  return channel;
}

}  // namespace keymast::receiver
