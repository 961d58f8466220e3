// SPDX-License-Identifier: Apache-2.0
// Packets of encoders, spelled out.
#pragma once

#include <gtest/gtest.h>

#include "base/cursor.h"
#include "headend/rtp.h"

namespace keymast::headend {

inline constexpr Ssrc kEncoder{0x11223344};

// RtpParts is everything that an RTP packet can have (RFC 3550 §5.1).
struct RtpParts {
  bool marker = false;
  uint8_t payload_type = 96;
  uint16_t sequence = 1000;
  uint32_t timestamp = 5000;
  Ssrc ssrc = kEncoder;
  std::vector<uint32_t> csrcs;
  std::optional<Bytes> extension;  // whole words
  Bytes payload = Bytes(40, 0xab);
  uint8_t padding = 0;  // octets; 0: no P bit
};

inline Bytes Rtp(const RtpParts& parts) {
  Bytes packet(12 + 4 * parts.csrcs.size() + (parts.extension ? 4 + parts.extension->size() : 0) +
               parts.payload.size() + parts.padding);
  Writer writer(packet);
  writer.U8(0x80u | (parts.padding != 0 ? 0x20u : 0) | (parts.extension ? 0x10u : 0) |
            parts.csrcs.size());
  writer.U8((parts.marker ? 0x80u : 0) | parts.payload_type);
  writer.U16(parts.sequence);
  writer.U32(parts.timestamp);
  writer.U32(parts.ssrc.value);
  for (const uint32_t csrc : parts.csrcs) writer.U32(csrc);
  if (parts.extension) {
    writer.U16(0xbede);
    writer.U16(parts.extension->size() / 4);
    writer.Put(*parts.extension);
  }
  writer.Put(parts.payload);
  for (int left = parts.padding; left > 1; --left) writer.U8(0);
  if (parts.padding != 0) writer.U8(parts.padding);
  EXPECT_TRUE(writer.ok() && writer.size() == packet.size());
  return packet;
}

inline Bytes Rtp(uint16_t sequence) {
  RtpParts parts;
  parts.sequence = sequence;
  return Rtp(parts);
}

// RtcpPacket is one packet of a compound: count, type, body of whole words.
inline Bytes RtcpPacket(uint8_t count, uint8_t type, const Bytes& body) {
  Bytes packet(4 + body.size());
  Writer writer(packet);
  writer.U8(0x80u | count);
  writer.U8(type);
  writer.U16(body.size() / 4);
  writer.Put(body);
  return packet;
}

inline Bytes EncoderReport(Ssrc ssrc, uint64_t ntp, uint32_t timestamp, uint8_t blocks = 0) {
  Bytes body(24 + size_t{24} * blocks);
  Writer writer(body);
  writer.U32(ssrc.value);
  writer.U64(ntp);
  writer.U32(timestamp);
  writer.U32(7777);  // its own counts
  writer.U32(8888);
  return RtcpPacket(blocks, 200, body);
}

inline Bytes Joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace keymast::headend
