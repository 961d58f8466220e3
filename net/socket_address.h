// SPDX-License-Identifier: Apache-2.0
// Endpoints in the form that the kernel takes.
#pragma once

#include <netinet/in.h>

#include "base/endpoint.h"

namespace keymast::net {

union SocketAddress {
  sockaddr any;
  sockaddr_in ipv4;
  sockaddr_in6 ipv6;
};

// FamilyOf is AF_INET or AF_INET6.
int FamilyOf(Endpoint::Family family);

// ToSocketAddress writes `endpoint` for a socket of `family` and returns its size. A socket of
// AF_INET6 takes IPv4 endpoints too, mapped (RFC 4291 §2.5.5.2). `scope` is the interface of
// link-local IPv6 addresses; the kernel does not look at it for others.
socklen_t ToSocketAddress(const Endpoint& endpoint, int family, SocketAddress& out,
                          uint32_t scope = 0);

// FromSocketAddress undoes the mapping.
Endpoint FromSocketAddress(const SocketAddress& address);

}  // namespace keymast::net
