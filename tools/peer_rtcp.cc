// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_rtcp.h"

#include <algorithm>

#include "base/check.h"
#include "base/cursor.h"

namespace keymast::tools {
namespace {

constexpr uint8_t kVersion = 2;
constexpr uint8_t kPadding = 0x20;
// RFC 3550 §12.1.
constexpr uint8_t kSenderReport = 200;
constexpr uint8_t kReceiverReport = 201;
constexpr uint8_t kSourceDescription = 202;
constexpr uint8_t kBye = 203;
constexpr uint8_t kCname = 1;  // §12.2
constexpr size_t kWord = 4;
constexpr size_t kRoom = 1024;  // a compound packet is shorter
constexpr int64_t kUnixIn1900 = 2'208'988'800;
constexpr int64_t kNanos = 1'000'000'000;
constexpr int32_t kMostLost = 0x7fffff;

// A Packet is one of a compound: its count, its type, and what follows its length.
struct Packet {
  uint8_t count = 0;
  uint8_t type = 0;
  ByteView body;
};

void WriteHead(Writer& writer, size_t count, uint8_t type, size_t body) {
  KEYMAST_CHECK(body % kWord == 0);
  writer.U8(unsigned{kVersion} << 6 | count);
  writer.U8(type);
  writer.U16(body / kWord);
}

void WriteBlock(Writer& writer, const ReportBlock& block) {
  writer.U32(block.ssrc.value);
  const int32_t lost = std::clamp(block.lost, -kMostLost - 1, kMostLost);
  writer.U32(uint32_t{block.fraction_lost} << 24 | (static_cast<uint32_t>(lost) & 0xffffff));
  writer.U32(block.highest);
  writer.U32(block.jitter);
  writer.U32(block.last_report);
  writer.U32(block.delay);
}

// §6.4.1, §6.4.2: an SR is an RR with what its source sends in between.
void WriteReport(Writer& writer, const Compound& compound) {
  constexpr size_t kBlock = 24;
  constexpr size_t kSender = 20;
  const bool sends = compound.sender.has_value();
  WriteHead(writer, compound.blocks.size(), sends ? kSenderReport : kReceiverReport,
            kWord + (sends ? kSender : 0) + compound.blocks.size() * kBlock);
  writer.U32(compound.ssrc.value);
  if (sends) {
    writer.U64(compound.sender->ntp);
    writer.U32(compound.sender->timestamp);
    writer.U32(compound.sender->packets);
    writer.U32(compound.sender->octets);
  }
  for (const ReportBlock& block : compound.blocks) WriteBlock(writer, block);
}

// §6.5: one chunk, its item ended by one to four zero octets up to a whole word.
void WriteDescription(Writer& writer, const Compound& compound) {
  const size_t item = 2 + compound.cname.size();
  const size_t padded = (item / kWord + 1) * kWord;
  WriteHead(writer, 1, kSourceDescription, kWord + padded);
  writer.U32(compound.ssrc.value);
  writer.U8(kCname);
  writer.U8(compound.cname.size());
  writer.Put(AsBytes(compound.cname));
  for (size_t i = item; i < padded; ++i) writer.U8(0);
}

ReportBlock ReadBlock(Reader& reader) {
  ReportBlock block;
  block.ssrc = Ssrc(reader.U32());
  const uint32_t lost = reader.U32();
  block.fraction_lost = static_cast<uint8_t>(lost >> 24);
  block.lost = static_cast<int32_t>(lost << 8) >> 8;  // 24 bits with their sign
  block.highest = reader.U32();
  block.jitter = reader.U32();
  block.last_report = reader.U32();
  block.delay = reader.U32();
  return block;
}

// What follows the blocks is an extension of some profile (§6.4.3).
Status TakeReport(const Packet& packet, bool is_first, Compound& compound) {
  Reader reader(packet.body);
  const Ssrc ssrc(reader.U32());
  if (is_first) compound.ssrc = ssrc;
  if (packet.type == kSenderReport) {
    SenderInfo sender;
    sender.ntp = reader.U64();
    sender.timestamp = reader.U32();
    sender.packets = reader.U32();
    sender.octets = reader.U32();
    if (ssrc == compound.ssrc) compound.sender = sender;
  }
  for (unsigned i = 0; i < packet.count; ++i) {
    const ReportBlock block = ReadBlock(reader);
    // More of them than one packet has come as further RRs (§6.1).
    if (reader.ok() && ssrc == compound.ssrc) compound.blocks.push_back(block);
  }
  return reader.ok() ? Status() : Err(Error::kMalformed);
}

Status TakeChunk(Reader& reader, Compound& compound) {
  const Ssrc ssrc(reader.U32());
  const size_t start = reader.remaining();
  while (const uint8_t type = reader.U8()) {
    const ByteView text = reader.Take(reader.U8());
    if (type == kCname && ssrc == compound.ssrc) compound.cname = AsText(text);
    if (!reader.ok()) break;
  }
  const size_t used = start - reader.remaining();
  reader.Take((kWord - used % kWord) % kWord);
  return reader.ok() ? Status() : Err(Error::kMalformed);
}

Status TakeDescription(const Packet& packet, Compound& compound) {
  Reader reader(packet.body);
  for (unsigned i = 0; i < packet.count; ++i) {
    if (Status taken = TakeChunk(reader, compound); !taken) return taken;
  }
  return {};
}

// §6.6; why it leaves is of no interest.
Status TakeBye(const Packet& packet, Compound& compound) {
  Reader reader(packet.body);
  for (unsigned i = 0; i < packet.count; ++i) {
    if (Ssrc(reader.U32()) == compound.ssrc) compound.is_bye = true;
  }
  return reader.ok() ? Status() : Err(Error::kMalformed);
}

Status TakePacket(const Packet& packet, bool is_first, Compound& compound) {
  const bool is_report = packet.type == kSenderReport || packet.type == kReceiverReport;
  if (is_first && !is_report) return Err(Error::kUnexpected);  // §A.2
  if (is_report) return TakeReport(packet, is_first, compound);
  if (packet.type == kSourceDescription) return TakeDescription(packet, compound);
  if (packet.type == kBye) return TakeBye(packet, compound);
  return {};
}

}  // namespace

Bytes WriteCompound(const Compound& compound) {
  KEYMAST_CHECK(compound.blocks.size() <= kMaxReportBlocks);
  KEYMAST_CHECK(!compound.cname.empty() && compound.cname.size() <= kMaxCname);
  Bytes octets(kRoom + kMaxCname);
  Writer writer(octets);
  WriteReport(writer, compound);
  WriteDescription(writer, compound);
  if (compound.is_bye) {
    WriteHead(writer, 1, kBye, kWord);
    writer.U32(compound.ssrc.value);
  }
  KEYMAST_CHECK(writer.ok());
  octets.resize(writer.size());
  return octets;
}

Result<Compound> ReadCompound(ByteView octets) {
  Reader reader(octets);
  Compound compound;
  bool is_first = true;
  do {
    const uint8_t first = reader.U8();
    const uint8_t type = reader.U8();
    const ByteView body = reader.Take(reader.U16() * kWord);
    if (!reader.ok()) return Err(Error::kTruncated);
    if (first >> 6 != kVersion) return Err(Error::kUnknownVersion);
    // §A.2: only the last one may be padded; what is padding is then behind what is read.
    if ((first & kPadding) != 0 && (is_first || !reader.empty())) return Err(Error::kMalformed);
    const Packet packet{static_cast<uint8_t>(first & 0x1f), type, body};
    if (Status taken = TakePacket(packet, is_first, compound); !taken) return Err(taken.error());
    is_first = false;
  } while (!reader.empty());
  if (compound.cname.empty()) return Err(Error::kPayloadMissing);  // §6.1
  return compound;
}

uint64_t NtpOf(Instant t) {
  const int64_t nanos = ToUnixNanos(t);
  const auto seconds = static_cast<uint64_t>(nanos / kNanos + kUnixIn1900);
  const auto part = static_cast<uint64_t>(nanos % kNanos);
  return seconds << 32 | (part << 32) / kNanos;
}

}  // namespace keymast::tools
