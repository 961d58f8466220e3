// SPDX-License-Identifier: Apache-2.0
#include "receiver/sdp.h"

namespace keymast::receiver {

std::string PlainSdp(const ChannelSdp& channel, const std::vector<PlainTarget>& targets) {
  const std::string origin = channel.origin.empty() ? "- 0 0 IN IP4 127.0.0.1" : channel.origin;
  std::string text = "v=0\r\no=" + origin + "\r\ns=" + (channel.name.empty() ? "-" : channel.name) +
                     "\r\nt=0 0\r\n";
  for (const PlainTarget& target : targets) {
    const SdpStream& stream = channel.streams.at(target.stream);
    const std::string type = std::to_string(stream.payload_type);
    const bool is_ipv4 = target.to.family == Endpoint::Family::kIpv4;
    text +=
        "m=" + stream.media + " " + std::to_string(target.to.port) + " RTP/AVP " + type + "\r\n";
    text +=
        std::string("c=IN ") + (is_ipv4 ? "IP4 " : "IP6 ") + AddressToString(target.to) + "\r\n";
    text += "a=rtpmap:" + type + " " + stream.rtpmap + "\r\n";
    if (!stream.fmtp.empty()) text += "a=fmtp:" + type + " " + stream.fmtp + "\r\n";
    text += "a=recvonly\r\n";
  }
  return text;
}

}  // namespace keymast::receiver
