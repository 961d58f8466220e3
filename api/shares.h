// SPDX-License-Identifier: Apache-2.0
// Who may have how much of what is scarce, so that no role can take what another one needs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "api/roles.h"

namespace keymast::api {

// ConnectionShares are connections at once by listener; none of them counts against another.
struct ConnectionShares {
  std::array<size_t, std::size(kRoles)> sockets{};  // by Role
  size_t extra = 0;                                 // of each socket beside those
  size_t tls = 0;
  size_t of(Role role) const { return sockets[static_cast<size_t>(role)]; }
};

// kWantedDescriptors suffice for the full shares.
inline constexpr uint64_t kWantedDescriptors = 1536;

// StreamsOf are HTTP/2 streams at once on one connection: with the connections of a listener about
// 8192, of TLS 16384. gRPC keeps some 18 KiB for each, whatever it calls, and holds a client to the
// number once that has confirmed it.
int StreamsOf(Role role);
inline constexpr int kTlsStreams = 32;

// SharesOf gives the full shares where the process may have kWantedDescriptors, and
// kExtraDescriptors for each of `extra` sockets beside those of the roles, and less of each share
// where it may not: shares and what keymast-api needs besides never exceed `descriptors`.
inline constexpr uint64_t kExtraDescriptors = 64;
ConnectionShares SharesOf(uint64_t descriptors, size_t extra = 0);

}  // namespace keymast::api
