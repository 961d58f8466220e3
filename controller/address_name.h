// SPDX-License-Identifier: Apache-2.0
// Endpoints as octets, for tables of names.
#pragma once

#include <array>

#include "base/cursor.h"
#include "base/endpoint.h"

namespace keymast::controller {

// AddressName with its port is MIKEYv2's address, without it whose it is.
struct AddressName {
  explicit AddressName(const Endpoint& endpoint) {
    const bool is_v4 = endpoint.family == Endpoint::Family::kIpv4;
    Writer writer(octets);
    writer.U8(static_cast<uint8_t>(endpoint.family));
    writer.Put(ByteView(endpoint.address).first(is_v4 ? 4 : 16));
    // Whoever has one IPv6 address has its whole /64.
    host_size = is_v4 ? writer.size() : 1 + 8;
    writer.U16(endpoint.port);
    size = writer.size();
  }
  ByteView address() const { return ByteView(octets).first(size); }
  ByteView host() const { return ByteView(octets).first(host_size); }

  std::array<uint8_t, 19> octets{};
  size_t size = 0;
  size_t host_size = 0;
};

}  // namespace keymast::controller
