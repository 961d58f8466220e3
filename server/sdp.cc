// SPDX-License-Identifier: Apache-2.0
#include "server/sdp.h"

namespace keymast::server {
namespace {

constexpr std::string_view kEnd = "\r\n";

// Free text becomes one line: a line break in it would begin another one.
std::string OneLine(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f) c = ' ';
  }
  return line;
}

// RFC 4570 §3; for the group as a whole, MTK messages too.
std::string SourceFilter(const groups::Multicast& multicast) {
  if (multicast.sources.empty()) return "";
  const bool is_ipv6 = multicast.mtk.family == Endpoint::Family::kIpv6;
  std::string text = is_ipv6 ? "a=source-filter: incl IN IP6 " : "a=source-filter: incl IN IP4 ";
  text.append(AddressToString(multicast.mtk));
  for (const Endpoint& source : multicast.sources) text.append(" ").append(AddressToString(source));
  return text.append(kEnd);
}

std::string Session(const groups::Channel& channel) {
  using std::chrono::duration_cast;
  const auto created = duration_cast<std::chrono::seconds>(channel.created.time_since_epoch());
  const std::string& name = channel.display_name.empty() ? channel.id.value : channel.display_name;
  std::string text;
  text.append("v=0").append(kEnd);
  text.append("o=- ").append(std::to_string(created.count())).append(" ");
  text.append(std::to_string(channel.revision)).append(" IN IP4 127.0.0.1").append(kEnd);
  text.append("s=").append(OneLine(name)).append(kEnd);
  text.append("t=0 0").append(kEnd);
  text.append("a=keymast-channel:").append(channel.id.value).append(kEnd);
  text.append("a=keymast-key-domain:").append(ToHex(channel.key_domain.octets)).append(kEnd);
  text.append("a=keymast-key-group:").append(std::to_string(channel.key_group.value)).append(kEnd);
  text.append("a=keymast-mtk:").append(ToString(channel.multicast.mtk)).append(kEnd);
  text.append(SourceFilter(channel.multicast));
  return text;
}

// c=IN IP4 <group>/<ttl>; an IPv6 group has its scope in the address (RFC 8866 §5.7).
std::string Connection(const groups::Multicast& multicast) {
  const std::string address = AddressToString(multicast.mtk);
  if (multicast.mtk.family == Endpoint::Family::kIpv6) return "c=IN IP6 " + address;
  return "c=IN IP4 " + address + "/" + std::to_string(multicast.ttl);
}

std::string Media(const groups::Channel& channel, const groups::Stream& stream) {
  const std::string type = std::to_string(stream.payload_type);
  std::string text;
  text.append("m=").append(OneLine(stream.media)).append(" ").append(std::to_string(stream.port));
  text.append(" RTP/SAVP ").append(type).append(kEnd);
  text.append(Connection(channel.multicast)).append(kEnd);
  text.append("a=rtpmap:").append(type).append(" ").append(OneLine(stream.rtpmap)).append(kEnd);
  if (!stream.fmtp.empty()) {
    text.append("a=fmtp:").append(type).append(" ").append(OneLine(stream.fmtp)).append(kEnd);
  }
  text.append("a=ssrc:").append(std::to_string(stream.ssrc.value)).append(" cname:");
  text.append(channel.id.value).append(kEnd);
  text.append("a=recvonly").append(kEnd);
  return text;
}

}  // namespace

std::string SdpOf(const groups::Channel& channel, const std::string& join) {
  std::string text = Session(channel);
  if (!join.empty()) text.append("a=mikeyv2-join:").append(join).append(kEnd);
  for (const groups::Stream& stream : channel.streams) text += Media(channel, stream);
  return text;
}

}  // namespace keymast::server
