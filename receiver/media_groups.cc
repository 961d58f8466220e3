// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "receiver/sdp.h"

namespace keymast::receiver {

std::vector<Endpoint> MediaGroups(const ChannelSdp& channel) {
  std::vector<Endpoint> groups;
  const auto add = [&](const Endpoint& group) {
    if (group == channel.mtk || std::find(groups.begin(), groups.end(), group) != groups.end()) {
      return;
    }
    groups.push_back(group);
  };
  for (const SdpStream& stream : channel.streams) add(stream.group);
  for (const SdpStream& stream : channel.streams) {
    if (stream.group.port == 65535) continue;
    Endpoint rtcp = stream.group;
    ++rtcp.port;
    add(rtcp);
  }
  return groups;
}

}  // namespace keymast::receiver
