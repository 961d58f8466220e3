// SPDX-License-Identifier: Apache-2.0
#include "receiver/sockets.h"

namespace keymast::receiver {
namespace {

std::string JoinAdvice(Error error, const std::string& interface_address) {
  switch (error) {
    case Error::kNoInterface:
      return "no interface that is up has the address " + interface_address +
             "; see `ip address`, then give --interface";
    case Error::kInUse:
      return "another program holds the port without sharing it; see `ss -ulpn`";
    default:
      return std::string(ErrorName(error));
  }
}

}  // namespace

tl::expected<MulticastSocket, Failure> JoinGroup(const Endpoint& group,
                                                 const std::string& interface_address,
                                                 const std::vector<Endpoint>& sources) {
  Result<net::UdpSocket> socket =
      net::UdpSocket::OpenMulticastReceiver(group, interface_address, sources);
  if (!socket) {
    return Fail(socket.error(), "cannot join " + ToString(group) + ": " +
                                    JoinAdvice(socket.error(), interface_address));
  }
  MulticastSocket joined{group, std::move(*socket), 0};
  joined.receive_buffer = joined.socket.SetReceiveBuffer(kReceiveBuffer);
  return joined;
}

tl::expected<net::UdpSocket, Failure> OpenMskSocket(const Endpoint& listen) {
  Result<net::UdpSocket> socket = net::UdpSocket::Open(listen);
  if (!socket) {
    const std::string reason = socket.error() == Error::kInUse
                                   ? "another program has it; a receiver that runs already?"
                                   : std::string(ErrorName(socket.error()));
    return Fail(socket.error(),
                "cannot listen for MSK messages on " + ToString(listen) + ": " + reason);
  }
  return std::move(*socket);
}

uint64_t MulticastSockets::kernel_drops() const {
  uint64_t drops = 0;
  for (const MulticastSocket& joined : mtk) drops += joined.socket.kernel_drops();
  for (const MulticastSocket& joined : media) drops += joined.socket.kernel_drops();
  return drops;
}

tl::expected<MulticastSockets, Failure> JoinAll(const ChannelSdp& channel,
                                                const std::string& interface_address) {
  MulticastSockets sockets;
  tl::expected<MulticastSocket, Failure> mtk =
      JoinGroup(channel.mtk, interface_address, channel.sources);
  if (!mtk) return tl::unexpected<Failure>(mtk.error());
  sockets.mtk.push_back(std::move(*mtk));
  for (const Endpoint& group : MediaGroups(channel)) {
    tl::expected<MulticastSocket, Failure> joined =
        JoinGroup(group, interface_address, channel.sources);
    if (!joined) return tl::unexpected<Failure>(joined.error());
    sockets.media.push_back(std::move(*joined));
  }
  return sockets;
}

}  // namespace keymast::receiver
