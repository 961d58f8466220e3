// SPDX-License-Identifier: Apache-2.0
// Opening sockets. Groups are always sent and joined on an interface of the caller's choice: what
// the routing table would choose is often the default route's, and never loopback.
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "net/interfaces.h"
#include "net/socket_error.h"
#include "net/udp_buffers.h"

namespace keymast::net {
namespace {

// A burst of messages to every member of a channel, while the interface takes them.
constexpr int kSendBuffer = 4 << 20;

template <class Value>
int Set(int fd, int level, int option, const Value& value) {
  return setsockopt(fd, level, option, &value, sizeof value);
}

// SetBuffer asks beyond the system's limit where this process may, or up to it.
void SetBuffer(int fd, int forced, int limited, int octets) {
  if (Set(fd, SOL_SOCKET, forced, octets) != 0) Set(fd, SOL_SOCKET, limited, octets);
}

Result<uint32_t> InterfaceOf(const std::string& address) {
  if (address.empty()) return uint32_t{0};
  return FindInterface(address);
}

ip_mreqn GroupOn(const Endpoint& group, uint32_t interface) {
  ip_mreqn request{};
  std::copy_n(group.address.begin(), 4, reinterpret_cast<uint8_t*>(&request.imr_multiaddr));
  request.imr_ifindex = static_cast<int>(interface);
  return request;
}

int SetSenderIpv4(int fd, uint32_t interface, const MulticastOptions& options) {
  const int ttl = options.ttl;
  const int traffic_class = options.dscp << 2;  // RFC 2474 §3
  int status = Set(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl);
  if (status == 0) status = Set(fd, IPPROTO_IP, IP_TOS, traffic_class);
  if (status == 0 && interface != 0) {
    status = Set(fd, IPPROTO_IP, IP_MULTICAST_IF, GroupOn({}, interface));
  }
  return status;
}

int SetSenderIpv6(int fd, uint32_t interface, const MulticastOptions& options) {
  const int hops = options.ttl;
  const int traffic_class = options.dscp << 2;
  int status = Set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops);
  if (status == 0) status = Set(fd, IPPROTO_IPV6, IPV6_TCLASS, traffic_class);
  if (status == 0 && interface != 0) {
    status = Set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(interface));
  }
  return status;
}

int JoinIpv4(int fd, const Endpoint& group, uint32_t interface) {
  return Set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, GroupOn(group, interface));
}

int JoinIpv6(int fd, const Endpoint& group, uint32_t interface) {
  ipv6_mreq request{};
  std::copy(group.address.begin(), group.address.end(), request.ipv6mr_multiaddr.s6_addr);
  request.ipv6mr_interface = interface;
  return Set(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, request);
}

// The kernel's structure has storage for any family where only ours is meant.
void Put(const Endpoint& endpoint, sockaddr_storage& storage) {
  SocketAddress address{};
  const socklen_t size = ToSocketAddress(endpoint, FamilyOf(endpoint.family), address, 0);
  memcpy(&storage, &address.any, size);
}

// JoinSources takes one source more with each call (RFC 3678 §5.1.3).
int JoinSources(int fd, int level, const Endpoint& group, uint32_t interface,
                std::span<const Endpoint> sources) {
  for (const Endpoint& source : sources) {
    group_source_req request{};
    request.gsr_interface = interface;
    Put(group, request.gsr_group);
    Put(source, request.gsr_source);
    if (Set(fd, level, MCAST_JOIN_SOURCE_GROUP, request) != 0) return -1;
  }
  return 0;
}

// Without *_MULTICAST_ALL = 0 a socket gets what any socket of this machine joined.
int Join(int fd, const Endpoint& group, uint32_t interface, std::span<const Endpoint> sources) {
  const bool ipv4 = group.family == Endpoint::Family::kIpv4;
  const int level = ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
  const int status = Set(fd, level, ipv4 ? IP_MULTICAST_ALL : IPV6_MULTICAST_ALL, 0);
  if (status != 0) return status;
  if (!sources.empty()) return JoinSources(fd, level, group, interface, sources);
  return ipv4 ? JoinIpv4(fd, group, interface) : JoinIpv6(fd, group, interface);
}

bool IsUnspecified(const Endpoint& endpoint) {
  return std::all_of(endpoint.address.begin(), endpoint.address.end(),
                     [](uint8_t octet) { return octet == 0; });
}

}  // namespace

Result<UdpSocket> UdpSocket::Make(Endpoint::Family family) {
  const int fd = socket(FamilyOf(family), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Err(OpenError(errno));
  UdpSocket made(fd, std::make_unique<Buffers>(FamilyOf(family)));
  SetBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, kSendBuffer);
  return made;
}

int UdpSocket::family() const { return buffers_->family; }

int UdpSocket::Bind(const Endpoint& local, uint32_t scope) const {
  SocketAddress address{};
  const socklen_t size = ToSocketAddress(local, family(), address, scope);
  return bind(fd_, &address.any, size);
}

Result<UdpSocket> UdpSocket::Open(const Endpoint& local) {
  Result<UdpSocket> made = Make(local.family);
  if (!made) return made;
  if (made->family() == AF_INET6) {
    Set(made->fd_, IPPROTO_IPV6, IPV6_V6ONLY, IsUnspecified(local) ? 0 : 1);
  }
  // A link-local address is bound on the interface that has it.
  const uint32_t scope = FindInterface(AddressToString(local)).value_or(0);
  if (made->Bind(local, scope) != 0) return Err(OpenError(errno));
  return made;
}

Result<UdpSocket> UdpSocket::OpenMulticastSender(Endpoint::Family family,
                                                 const MulticastOptions& options) {
  const Result<uint32_t> interface = InterfaceOf(options.interface_address);
  if (!interface) return Err(interface.error());
  Result<UdpSocket> made = Make(family);
  if (!made) return made;
  const bool ipv4 = family == Endpoint::Family::kIpv4;
  const int status = ipv4 ? SetSenderIpv4(made->fd_, *interface, options)
                          : SetSenderIpv6(made->fd_, *interface, options);
  if (status != 0) return Err(OpenError(errno));
  // Bound, so that local() tells what receivers see as the source.
  Endpoint local;
  local.family = family;
  const Result<Endpoint> source = ParseAddress(options.interface_address);
  if (source && source->family == family) local = *source;
  if (made->Bind(local, *interface) != 0) return Err(OpenError(errno));
  return made;
}

Result<UdpSocket> UdpSocket::OpenMulticastReceiver(const Endpoint& group,
                                                   const std::string& interface_address,
                                                   std::span<const Endpoint> sources) {
  const Result<uint32_t> interface = InterfaceOf(interface_address);
  if (!interface) return Err(interface.error());
  Result<UdpSocket> made = Make(group.family);
  if (!made) return made;
  if (Set(made->fd_, SOL_SOCKET, SO_REUSEADDR, 1) != 0 || made->Bind(group, *interface) != 0) {
    return Err(OpenError(errno));
  }
  if (Join(made->fd_, group, *interface, sources) != 0) return Err(OpenError(errno));
  return made;
}

Result<Endpoint> UdpSocket::local() const {
  SocketAddress address{};
  socklen_t size = sizeof address;
  if (getsockname(fd_, &address.any, &size) != 0) return Err(Error::kIo);
  return FromSocketAddress(address);
}

size_t UdpSocket::SetReceiveBuffer(size_t octets) {
  const int wanted = static_cast<int>(std::min<size_t>(octets, INT_MAX / 2));
  SetBuffer(fd_, SO_RCVBUFFORCE, SO_RCVBUF, wanted);
  int got = 0;
  socklen_t size = sizeof got;
  if (getsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &got, &size) != 0) return 0;
  return static_cast<size_t>(got) / 2;  // the kernel doubles what it is asked for (socket(7))
}

}  // namespace keymast::net
