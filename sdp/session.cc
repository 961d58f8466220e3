// SPDX-License-Identifier: Apache-2.0
#include "sdp/session.h"

#include <array>
#include <set>

#include "mikey/identity.h"
#include "sdp/bundle.h"
#include "sdp/keying.h"
#include "sdp/text.h"

namespace keymast::sdp {
namespace {

constexpr std::array<std::string_view, 4> kDirections = {"inactive", "sendonly", "recvonly",
                                                         "sendrecv"};

// RFC 3551 §6: types whose number says it all; others need their rtpmap.
std::string_view StaticFormat(uint8_t payload_type) {
  switch (payload_type) {
    case 0:
      return "PCMU/8000";
    case 8:
      return "PCMA/8000";
    default:
      return {};
  }
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// o=<user> <id> <version> IN IP4|IP6 <address>: RFC 8866 §5.2.
bool TakeOrigin(std::string_view value, Origin& origin) {
  origin.user = Cut(value, ' ');
  const bool has_numbers = TakeNumber<uint64_t>(Cut(value, ' '), origin.id, UINT64_MAX) &&
                           TakeNumber<uint64_t>(Cut(value, ' '), origin.version, UINT64_MAX);
  if (origin.user.empty() || !has_numbers || Cut(value, ' ') != "IN") return false;
  const std::string_view family = Cut(value, ' ');
  const Result<Endpoint> address = ParseAddress(value);
  if (!address) return false;
  origin.address = *address;
  return family == (address->family == Endpoint::Family::kIpv4 ? "IP4" : "IP6");
}

// FormatOf takes a payload type off the front; null for one that the m= line does not have.
Format* FormatOf(std::string_view& value, Stream& stream) {
  uint8_t type = 0;
  if (!TakeNumber<uint8_t>(Cut(value, ' '), type, 127)) return nullptr;
  for (Format& format : stream.formats) {
    if (format.payload_type == type) return &format;
  }
  return nullptr;
}

Status TakeSsrc(std::string_view value, Stream& stream) {
  uint32_t ssrc = 0;
  if (!TakeNumber<uint32_t>(Cut(value, ' '), ssrc, UINT32_MAX)) return Err(Error::kMalformed);
  if (stream.ssrc && stream.ssrc->value != ssrc) return Err(Error::kUnsupportedPolicy);
  stream.ssrc = Ssrc(ssrc);  // RFC 5576 §4.1: a line an attribute of the source
  if (Cut(value, ':') == "cname" && !value.empty()) stream.cname = value;
  return {};
}

bool* FlagOf(std::string_view name, Stream& stream) {
  if (name == "rtcp-mux") return &stream.rtcp_mux;
  if (name == "rtcp-mux-only") return &stream.rtcp_mux_only;
  return name == "bundle-only" ? &stream.bundle_only : nullptr;
}

Status TakeAttribute(const Attribute& attribute, Stream& stream) {
  std::string_view value = attribute.value;
  if (bool* flag = FlagOf(attribute.name, stream)) {
    *flag = true;
    return value.empty() ? Status() : Err(Error::kMalformed);
  }
  if (attribute.name == "ssrc") return TakeSsrc(value, stream);
  if (attribute.name == "mid") {
    const bool is_token = !value.empty() && value.find(' ') == std::string_view::npos;
    if (!is_token || !stream.mid.empty()) return Err(Error::kMalformed);
    stream.mid = value;
    return {};
  }
  const bool is_map = attribute.name == "rtpmap";
  if (!is_map && attribute.name != "fmtp") return {};
  Format* format = FormatOf(value, stream);
  if (format == nullptr || value.empty()) return Err(Error::kMalformed);
  (is_map ? format->rtpmap : format->fmtp) = value;
  return {};
}

// RFC 8866 §6.7: one of the four at most in a section; that of a media section goes over it.
Result<Direction> TakeDirection(const Attributes& attributes, Direction otherwise) {
  std::optional<Direction> taken;
  for (const Attribute& attribute : attributes) {
    Direction direction{};
    if (!DirectionFromName(attribute.name, direction)) continue;
    if (taken || !attribute.value.empty()) return Err(Error::kMalformed);
    taken = direction;
  }
  return taken.value_or(otherwise);
}

Status TakeFormats(const Media& media, Stream& stream) {
  if (media.transport.find("RTP/") == std::string::npos) {
    stream.other_formats = media.formats;
    return {};
  }
  for (const std::string& text : media.formats) {
    uint8_t type = 0;
    const bool is_type = TakeNumber<uint8_t>(text, type, 127);
    const bool is_twice = std::ranges::any_of(
        stream.formats, [&](const Format& format) { return format.payload_type == type; });
    if (!is_type || is_twice) return Err(Error::kMalformed);
    stream.formats.push_back({type, std::string(StaticFormat(type)), {}});
  }
  return {};
}

// A stream that is no RTP is told from others, and no more: it is refused (RFC 3264 §6).
bool IsOfAll(const Attribute& attribute) {
  return attribute.name == "mid" || attribute.name == "bundle-only";
}

tl::expected<Stream, Failure> TakeStream(const Description& description, const Media& media,
                                         Direction otherwise) {
  Stream stream;
  stream.media = media.media;
  stream.transport = media.transport;
  const Result<Direction> direction = TakeDirection(media.attributes, otherwise);
  if (!direction) return Refusal(direction.error(), media.line);
  stream.direction = *direction;
  const Connection* connection = description.ConnectionOf(media);
  const bool has_place = media.port != 0 || Find(media.attributes, "bundle-only") != nullptr;
  if (connection == nullptr && has_place) return Refusal(Error::kPayloadMissing, media.line);
  if (connection != nullptr) stream.at = connection->address;
  stream.at.port = media.port;
  if (const Status taken = TakeFormats(media, stream); !taken) {
    return Refusal(taken.error(), media.line);
  }
  for (const Attribute& attribute : media.attributes) {
    if (!stream.other_formats.empty() && !IsOfAll(attribute)) continue;
    if (const Status taken = TakeAttribute(attribute, stream); !taken) {
      return Refusal(taken.error(), attribute.line);
    }
  }
  return stream;
}

std::string Spelled(const Origin& origin) {
  const bool is_ipv4 = origin.address.family == Endpoint::Family::kIpv4;
  return origin.user + " " + std::to_string(origin.id) + " " + std::to_string(origin.version) +
         " IN " + (is_ipv4 ? "IP4 " : "IP6 ") + AddressToString(origin.address);
}

Media Spelled(const Stream& stream) {
  Media media;
  media.media = stream.media;
  media.port = stream.bundle_only ? uint16_t{0} : stream.at.port;
  media.transport = stream.transport;
  const auto put = [&](std::string name, std::string value) {
    media.attributes.push_back({std::move(name), std::move(value), 0});
  };
  media.formats = stream.other_formats;
  for (const Format& format : stream.formats) {
    const std::string type = std::to_string(format.payload_type);
    media.formats.push_back(type);
    if (!format.rtpmap.empty()) put("rtpmap", type + " " + format.rtpmap);
    if (!format.fmtp.empty()) put("fmtp", type + " " + format.fmtp);
  }
  if (stream.is_refused()) return media;
  Connection connection{stream.at, 0};
  connection.address.port = 0;
  media.connection = connection;
  if (!stream.mid.empty()) put("mid", stream.mid);
  if (stream.ssrc) put("ssrc", std::to_string(stream.ssrc->value) + " cname:" + stream.cname);
  if (stream.bundle_only) put("bundle-only", "");
  if (stream.rtcp_mux) put("rtcp-mux", "");
  if (stream.rtcp_mux_only) put("rtcp-mux-only", "");
  put(std::string(DirectionName(stream.direction)), "");
  return media;
}

}  // namespace

std::string_view DirectionName(Direction direction) {
  return kDirections[static_cast<size_t>(direction)];
}

bool DirectionFromName(std::string_view name, Direction& out) {
  const auto* found = std::find(kDirections.begin(), kDirections.end(), name);
  if (found == kDirections.end()) return false;
  out = static_cast<Direction>(found - kDirections.begin());
  return true;
}

// RFC 4855 §3: names of encodings have no case.
bool IsSame(const Format& a, const Format& b) {
  return std::ranges::equal(a.rtpmap, b.rtpmap,
                            [](char x, char y) { return Lower(x) == Lower(y); });
}

tl::expected<Session, Failure> ReadSession(std::string_view text) {
  const auto description = Read(text);
  if (!description) return tl::unexpected<Failure>(description.error());
  Session session;
  session.name = description->name;
  session.time = description->time;
  if (!TakeOrigin(description->origin, session.origin)) return Refusal(Error::kMalformed, 0);
  const Result<Direction> direction = TakeDirection(description->attributes, Direction::kSendRecv);
  if (!direction) return Refusal(direction.error(), 0);
  std::set<std::string> mids;
  std::set<uint32_t> ssrcs;
  for (const Media& media : description->media) {
    auto stream = TakeStream(*description, media, *direction);
    if (!stream) return tl::unexpected<Failure>(stream.error());
    if (!stream->mid.empty() && !mids.insert(stream->mid).second) {
      return Refusal(Error::kMalformed, media.line);
    }
    if (stream->ssrc && !ssrcs.insert(stream->ssrc->value).second) {
      return Refusal(Error::kSsrcInUse, media.line);
    }
    session.streams.push_back(std::move(*stream));
  }
  TakeBundle(description->attributes, session);
  if (session.streams.empty()) return Refusal(Error::kPayloadMissing, description->lines);
  auto keying = TakeKeying(*description);
  if (!keying) return tl::unexpected<Failure>(keying.error());
  session.keying = std::move(*keying);
  return session;
}

std::string WriteSession(const Session& session) {
  Description description;
  description.origin = Spelled(session.origin);
  description.name = session.name;
  description.time = session.time;
  std::string group = "BUNDLE";
  for (const std::string& mid : session.bundle) group += " " + mid;
  if (!session.bundle.empty()) description.attributes.push_back({"group", group, 0});
  PutKeying(session.keying, description.attributes);
  for (const Stream& stream : session.streams) description.media.push_back(Spelled(stream));
  return Write(description);
}

Result<JoinTarget> ParseJoin(std::string_view value) {
  JoinTarget target;
  target.host = Cut(value, ' ');
  const bool has_port = TakeNumber<uint16_t>(Cut(value, ' '), target.port, 65535);
  target.uri = value;
  const bool is_whole = has_port && target.port != 0 && !target.host.empty() &&
                        !target.uri.empty() && target.uri.size() <= mikey::kMaxIdentity &&
                        target.uri.find(' ') == std::string::npos;
  if (!is_whole) return Err(Error::kMalformed);
  return target;
}

Attribute JoinAttribute(const JoinTarget& target) {
  return {"mikeyv2-join", target.host + " " + std::to_string(target.port) + " " + target.uri, 0};
}

}  // namespace keymast::sdp
