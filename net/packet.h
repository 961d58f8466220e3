// SPDX-License-Identifier: Apache-2.0
// A UDP datagram as the IP packet that carries it.
#pragma once

#include "base/bytes.h"
#include "base/endpoint.h"

namespace keymast::net {

// kMaxPacketHeaders is the size of an IPv6 header (RFC 8200 §3) and a UDP header (RFC 768).
inline constexpr size_t kMaxPacketHeaders = 40 + 8;
// The longest payload: both length fields have 16 bits.
inline constexpr size_t kMaxPacketPayload = 0xffff - 20 - 8;

// WritePacketHeaders writes IP and UDP headers with their checksums for `payload`, and returns
// their size. Both endpoints are of one family; `payload` is at most kMaxPacketPayload.
size_t WritePacketHeaders(const Endpoint& from, const Endpoint& to, ByteView payload,
                          MutableBytes out);

}  // namespace keymast::net
