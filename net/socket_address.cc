// SPDX-License-Identifier: Apache-2.0
#include "net/socket_address.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"

namespace keymast::net {
namespace {

// RFC 4291 §2.5.5.2: 80 bits of zero, 16 of one, the IPv4 address.
constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

int FamilyOf(Endpoint::Family family) {
  return family == Endpoint::Family::kIpv4 ? AF_INET : AF_INET6;
}

socklen_t ToSocketAddress(const Endpoint& endpoint, int family, SocketAddress& out,
                          uint32_t scope) {
  const bool ipv4 = endpoint.family == Endpoint::Family::kIpv4;
  if (ipv4 && family == AF_INET) {
    out.ipv4 = {};
    out.ipv4.sin_family = AF_INET;
    out.ipv4.sin_port = htons(endpoint.port);
    std::memcpy(&out.ipv4.sin_addr, endpoint.address.data(), sizeof out.ipv4.sin_addr);
    return sizeof out.ipv4;
  }
  out.ipv6 = {};
  out.ipv6.sin6_family = AF_INET6;
  out.ipv6.sin6_port = htons(endpoint.port);
  out.ipv6.sin6_scope_id = scope;
  uint8_t* address = out.ipv6.sin6_addr.s6_addr;
  if (ipv4) {
    address = std::copy(kMapped.begin(), kMapped.end(), address);
    std::copy_n(endpoint.address.begin(), 4, address);
  } else {
    std::copy(endpoint.address.begin(), endpoint.address.end(), address);
  }
  return sizeof out.ipv6;
}

Endpoint FromSocketAddress(const SocketAddress& address) {
  Endpoint endpoint;
  if (address.any.sa_family == AF_INET) {
    std::memcpy(endpoint.address.data(), &address.ipv4.sin_addr, sizeof address.ipv4.sin_addr);
    endpoint.port = ntohs(address.ipv4.sin_port);
    return endpoint;
  }
  const ByteView octets(address.ipv6.sin6_addr.s6_addr);
  endpoint.port = ntohs(address.ipv6.sin6_port);
  if (std::equal(kMapped.begin(), kMapped.end(), octets.begin())) {
    std::ranges::copy(octets.last(4), endpoint.address.begin());
    return endpoint;
  }
  endpoint.family = Endpoint::Family::kIpv6;
  std::ranges::copy(octets, endpoint.address.begin());
  return endpoint;
}

}  // namespace keymast::net
