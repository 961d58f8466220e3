// SPDX-License-Identifier: Apache-2.0
// The payloads that version 2 adds (MIKEYv2 §3.2). See mikey/payloads.h for how they are described.
#pragma once

#include "mikey/payloads.h"

namespace keymast::mikey {

inline constexpr size_t kTlvHead = 3;  // type, length

// IsTlvChain is true when TLVs fill `tlvs` to its end in rising order of type: so none comes twice
// (MIKEYv2 §3.3).
constexpr bool IsTlvChain(ByteView tlvs) {
  int last = -1;
  while (tlvs.size() >= kTlvHead) {
    const size_t length = static_cast<size_t>(tlvs[1]) << 8 | tlvs[2];
    if (tlvs[0] <= last || length > tlvs.size() - kTlvHead) return false;
    last = tlvs[0];
    tlvs = tlvs.subspan(kTlvHead + length);
  }
  return tlvs.empty();
}

// CAP: what a party can do, or has chosen; capabilities.h reads it.
struct CapPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kCap, "MIKEYv2 §3.3"};
  uint8_t cap_version = 1;
  ByteView tlvs;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.U8("cap_version", p.cap_version);
    io.Sized16("tlvs", p.tlvs);
    io.Require(IsTlvChain(p.tlvs), Error::kMalformed);
  }
};

// PADDING makes a first message long enough for its answer (MIKEYv2 §2).
struct PaddingPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kPadding, "MIKEYv2 §3.2"};
  ByteView zeros;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.Sized16("zeros", p.zeros);
    const bool is_zero = std::ranges::all_of(p.zeros, [](uint8_t o) { return o == 0; });
    io.Require(is_zero, Error::kMalformed);
  }
};

// FRAGMENT: a part of a message that is longer than a datagram.
struct FragmentPayload {
  static constexpr PayloadInfo kInfo{PayloadType::kFragment, "MIKEYv2 §3.6"};
  static constexpr size_t kHashSize = 16;
  ByteView hash;  // the first octets of SHA-256 of the whole message
  uint8_t index = 0;
  uint8_t count = 0;
  ByteView data;

  template <class Io, class T>
  static void Describe(Io& io, T& p) {
    io.Octets("whole_hash", p.hash, kHashSize);
    io.U8("index", p.index);
    io.U8("count", p.count);
    io.Sized16("fragment", p.data);
  }
};

}  // namespace keymast::mikey
