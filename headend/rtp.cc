// SPDX-License-Identifier: Apache-2.0
#include "headend/rtp.h"

#include "base/check.h"
#include "base/cursor.h"

namespace keymast::headend {
namespace {

// Bits of the first octet: V (2), P, X, CC (4).
constexpr uint8_t kVersion = 2;
constexpr uint8_t kPadding = 0x20;
constexpr uint8_t kExtension = 0x10;
constexpr uint8_t kCsrcCount = 0x0f;
constexpr uint8_t kPayloadType = 0x7f;  // the bit above it is the marker
constexpr size_t kWord = 4;

}  // namespace

Result<RtpHeader> ReadRtp(ByteView packet) {
  Reader reader(packet);
  RtpHeader header;
  const uint8_t first = reader.U8();
  if (reader.ok() && first >> 6 != kVersion) return Err(Error::kUnknownVersion);
  header.payload_type = reader.U8() & kPayloadType;
  header.sequence = reader.U16();
  header.timestamp = reader.U32();
  header.ssrc = Ssrc(reader.U32());
  reader.Take((first & kCsrcCount) * kWord);
  if ((first & kExtension) != 0) {
    reader.U16();  // defined by profile
    reader.Take(reader.U16() * kWord);
  }
  if (!reader.ok()) return Err(Error::kTruncated);
  header.payload = reader.remaining();
  if ((first & kPadding) == 0) return header;
  // The last octet counts the padding, itself included.
  const uint8_t padding = packet.back();
  if (padding == 0 || padding > header.payload) return Err(Error::kMalformed);
  header.payload -= padding;
  return header;
}

void WriteRtp(MutableBytes packet, uint16_t sequence, uint32_t timestamp, Ssrc ssrc) {
  Writer writer(packet);
  writer.Claim(2);
  writer.U16(sequence);
  writer.U32(timestamp);
  writer.U32(ssrc.value);
  KEYMAST_CHECK(writer.ok());
}

bool IsRtcp(ByteView datagram) {
  return datagram.size() >= 2 && datagram[1] >= 192 && datagram[1] <= 223;
}

}  // namespace keymast::headend
