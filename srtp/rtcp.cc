// SPDX-License-Identifier: Apache-2.0
#include "srtp/rtcp.h"

#include "base/check.h"

namespace keymast::srtp {
namespace {

constexpr uint8_t kVersion = 2;
constexpr uint8_t kPadding = 0x20;
constexpr uint8_t kCount = 0x1f;

}  // namespace

Result<RtcpPacket> RtcpWalk::Next() {
  const uint8_t first = reader_.U8();
  const uint8_t type = reader_.U8();
  const ByteView body = reader_.Take(reader_.U16() * kRtcpWord);
  if (!reader_.ok()) return Err(Error::kTruncated);
  if (first >> 6 != kVersion) return Err(Error::kUnknownVersion);
  if ((first & kPadding) != 0 && !reader_.empty()) return Err(Error::kMalformed);
  return RtcpPacket{static_cast<uint8_t>(first & kCount), type, body};
}

SenderInfo ReadSenderInfo(Reader& reader) {
  SenderInfo info;
  info.ntp = reader.U64();
  info.timestamp = reader.U32();
  info.packets = reader.U32();
  info.octets = reader.U32();
  return info;
}

void WriteSenderInfo(Writer& writer, const SenderInfo& info) {
  writer.U64(info.ntp);
  writer.U32(info.timestamp);
  writer.U32(info.packets);
  writer.U32(info.octets);
}

void WriteRtcpHead(Writer& writer, size_t count, RtcpType type, size_t body) {
  KEYMAST_CHECK(count <= kCount && body % kRtcpWord == 0);
  writer.U8(unsigned{kVersion} << 6 | count);
  writer.U8(type);
  writer.U16(body / kRtcpWord);
}

void WriteCname(Writer& writer, Ssrc ssrc, std::string_view cname) {
  KEYMAST_CHECK(cname.size() <= kMaxCname);
  // §6.5: the items are ended by one to four zero octets, up to a whole word.
  const size_t items = 2 + cname.size();
  const size_t padded = (items / kRtcpWord + 1) * kRtcpWord;
  WriteRtcpHead(writer, 1, kSourceDescription, kRtcpWord + padded);
  writer.U32(ssrc.value);
  writer.U8(kCname);
  writer.U8(cname.size());
  writer.Put(AsBytes(cname));
  for (size_t i = items; i < padded; ++i) writer.U8(0);
}

}  // namespace keymast::srtp
