// SPDX-License-Identifier: Apache-2.0
// The sockets of keymast-receiver: one for MSK messages, one for MTK messages, the media.
#pragma once

#include <string>
#include <vector>

#include "net/udp.h"
#include "receiver/sdp.h"

namespace keymast::receiver {

inline constexpr size_t kReceiveBuffer = size_t{1} << 20;
inline constexpr size_t kBatch = 64;

// MulticastSocket is one joined group and port.
struct MulticastSocket {
  Endpoint group;
  net::UdpSocket socket;
  size_t receive_buffer = 0;  // octets that the kernel gave
};

// JoinGroup opens one of them. The message names group, interface and what to do.
// With `sources`, of these alone.
tl::expected<MulticastSocket, Failure> JoinGroup(const Endpoint& group,
                                                 const std::string& interface_address,
                                                 const std::vector<Endpoint>& sources = {});

// OpenMskSocket binds the unicast endpoint that the member is provisioned with.
tl::expected<net::UdpSocket, Failure> OpenMskSocket(const Endpoint& listen);

// MulticastSockets are the groups of one channel on one interface.
struct MulticastSockets {
  std::vector<MulticastSocket> mtk;  // one; none while the interface is away
  std::vector<MulticastSocket> media;

  uint64_t kernel_drops() const;
};
tl::expected<MulticastSockets, Failure> JoinAll(const ChannelSdp& channel,
                                                const std::string& interface_address);

}  // namespace keymast::receiver
