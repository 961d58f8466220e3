// SPDX-License-Identifier: Apache-2.0
// UDP datagrams out of captured frames.
#pragma once

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/error.h"

namespace keymast::tools {

// UdpDatagram is one of a frame; the payload points into it.
struct UdpDatagram {
  Endpoint from;
  Endpoint to;
  ByteView payload;
};

// Why a frame has no datagram for us.
enum class NoDatagram {
  kOther,     // something else than UDP
  kFragment,  // part of a UDP datagram: fragments are not put together
  kCut,       // a UDP datagram of which not all was captured, or with wrong lengths
};

// IsKnownLinkType is true for Ethernet, Linux cooked (SLL and SLL2), raw IP and loopback.
bool IsKnownLinkType(int link_type);

// UdpOf finds the UDP datagram in a frame; `link_type` is libpcap's DLT number.
tl::expected<UdpDatagram, NoDatagram> UdpOf(int link_type, ByteView frame);

}  // namespace keymast::tools
