// SPDX-License-Identifier: Apache-2.0
// A UDP endpoint as a value: no sockets here.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace keymast {

// Endpoint is an IPv4 or IPv6 address with a UDP port. IPv4 uses the first 4 octets of `address`.
struct Endpoint {
  enum class Family : uint8_t { kIpv4 = 4, kIpv6 = 6 };
  Family family = Family::kIpv4;
  std::array<uint8_t, 16> address{};
  uint16_t port = 0;

  bool IsUnset() const { return port == 0; }
  bool IsMulticast() const;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// ParseEndpoint reads `192.0.2.1:2269` or `[2001:db8::1]:2269`; kMalformed otherwise. No names.
Result<Endpoint> ParseEndpoint(std::string_view text);

// ParseEndpoint with `port` reads an address without one too, and gives it that.
Result<Endpoint> ParseEndpoint(std::string_view text, uint16_t port);

// ParseAddress reads an address without port; the result's port is 0.
Result<Endpoint> ParseAddress(std::string_view text);

// ToString is the inverse of ParseEndpoint; AddressToString leaves the port out.
std::string ToString(const Endpoint& endpoint);
std::string AddressToString(const Endpoint& endpoint);

}  // namespace keymast
