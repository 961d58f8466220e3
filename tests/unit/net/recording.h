// SPDX-License-Identifier: Apache-2.0
// A pcapng file in memory, spelled out block by block (draft-ietf-opsawg-pcapng §3, §4).
#pragma once

#include <algorithm>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/time.h"

namespace keymast::net {

class Recording {
 public:
  Recording() { Section(); }

  // Section begins anew, as a program does that was started again.
  void Section() {
    Block(0x0a0d0d0a,
          {0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
    // Raw IP, no snap length; if_tsresol 9; end of options.
    Block(1, {101, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0});
  }

  void Add(std::string_view from, std::string_view to, Instant at, ByteView payload) {
    const Endpoint source = *ParseEndpoint(from);
    const Endpoint target = *ParseEndpoint(to);
    Bytes packet = {0x45, 0, 0, 0, 0, 0, 0, 0, 1, 17, 0, 0};
    packet.insert(packet.end(), source.address.begin(), source.address.begin() + 4);
    packet.insert(packet.end(), target.address.begin(), target.address.begin() + 4);
    for (const size_t field :
         {size_t{source.port}, size_t{target.port}, payload.size() + 8, size_t{0}}) {
      packet.push_back(static_cast<uint8_t>(field >> 8));
      packet.push_back(static_cast<uint8_t>(field));
    }
    packet.insert(packet.end(), payload.begin(), payload.end());

    Bytes body(20);
    const auto ticks = static_cast<uint64_t>(ToUnixNanos(at));
    PutLittle(body, 4, static_cast<uint32_t>(ticks >> 32));
    PutLittle(body, 8, static_cast<uint32_t>(ticks));
    PutLittle(body, 12, static_cast<uint32_t>(packet.size()));
    PutLittle(body, 16, static_cast<uint32_t>(packet.size()));
    body.insert(body.end(), packet.begin(), packet.end());
    body.resize((body.size() + 3) / 4 * 4);
    Block(6, body);
  }

  void Block(uint32_t type, const Bytes& body) {
    const size_t begin = octets_.size();
    const auto length = static_cast<uint32_t>(body.size() + 12);
    octets_.resize(begin + length);
    PutLittle(octets_, begin, type);
    PutLittle(octets_, begin + 4, length);
    std::copy(body.begin(), body.end(), octets_.begin() + static_cast<long>(begin) + 8);
    PutLittle(octets_, begin + length - 4, length);
  }

  const Bytes& octets() const { return octets_; }

 private:
  static void PutLittle(Bytes& out, size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; ++i) out[at + i] = static_cast<uint8_t>(value >> 8 * i);
  }
  Bytes octets_;
};

}  // namespace keymast::net
