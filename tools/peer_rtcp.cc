// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_rtcp.h"

#include <algorithm>

#include "base/check.h"
#include "base/cursor.h"

namespace keymast::tools {
namespace {

constexpr size_t kRoom = 1024;  // a compound packet is shorter
constexpr int64_t kUnixIn1900 = 2'208'988'800;
constexpr int64_t kNanos = 1'000'000'000;
constexpr int32_t kMostLost = 0x7fffff;

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
  const bool sends = compound.sender.has_value();
  srtp::WriteRtcpHead(writer, compound.blocks.size(),
                      sends ? srtp::kSenderReport : srtp::kReceiverReport,
                      srtp::kRtcpWord + (sends ? srtp::kSenderInfo : 0) +
                          compound.blocks.size() * srtp::kReportBlock);
  writer.U32(compound.ssrc.value);
  if (sends) srtp::WriteSenderInfo(writer, *compound.sender);
  for (const ReportBlock& block : compound.blocks) WriteBlock(writer, block);
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
Status TakeReport(const srtp::RtcpPacket& packet, bool is_first, Compound& compound) {
  Reader reader(packet.body);
  const Ssrc ssrc(reader.U32());
  if (is_first) compound.ssrc = ssrc;
  if (packet.type == srtp::kSenderReport) {
    const srtp::SenderInfo sender = srtp::ReadSenderInfo(reader);
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
    if (type == srtp::kCname && ssrc == compound.ssrc) compound.cname = AsText(text);
    if (!reader.ok()) break;
  }
  const size_t used = start - reader.remaining();
  reader.Take((srtp::kRtcpWord - used % srtp::kRtcpWord) % srtp::kRtcpWord);
  return reader.ok() ? Status() : Err(Error::kMalformed);
}

Status TakeDescription(const srtp::RtcpPacket& packet, Compound& compound) {
  Reader reader(packet.body);
  for (unsigned i = 0; i < packet.count; ++i) {
    if (Status taken = TakeChunk(reader, compound); !taken) return taken;
  }
  return {};
}

// §6.6; why it leaves is of no interest.
Status TakeBye(const srtp::RtcpPacket& packet, Compound& compound) {
  Reader reader(packet.body);
  for (unsigned i = 0; i < packet.count; ++i) {
    if (Ssrc(reader.U32()) == compound.ssrc) compound.is_bye = true;
  }
  return reader.ok() ? Status() : Err(Error::kMalformed);
}

Status TakePacket(const srtp::RtcpPacket& packet, bool is_first, Compound& compound) {
  const bool is_report = packet.type == srtp::kSenderReport || packet.type == srtp::kReceiverReport;
  if (is_first && !is_report) return Err(Error::kUnexpected);  // §A.2
  if (is_report) return TakeReport(packet, is_first, compound);
  if (packet.type == srtp::kSourceDescription) return TakeDescription(packet, compound);
  if (packet.type == srtp::kBye) return TakeBye(packet, compound);
  return {};
}

}  // namespace

Bytes WriteCompound(const Compound& compound) {
  KEYMAST_CHECK(compound.blocks.size() <= kMaxReportBlocks);
  KEYMAST_CHECK(!compound.cname.empty() && compound.cname.size() <= srtp::kMaxCname);
  Bytes octets(kRoom + srtp::kMaxCname);
  Writer writer(octets);
  WriteReport(writer, compound);
  srtp::WriteCname(writer, compound.ssrc, compound.cname);
  if (compound.is_bye) {
    srtp::WriteRtcpHead(writer, 1, srtp::kBye, srtp::kRtcpWord);
    writer.U32(compound.ssrc.value);
  }
  KEYMAST_CHECK(writer.ok());
  octets.resize(writer.size());
  return octets;
}

Result<Compound> ReadCompound(ByteView octets) {
  srtp::RtcpWalk walk(octets);
  Compound compound;
  bool is_first = true;
  do {
    const Result<srtp::RtcpPacket> packet = walk.Next();
    if (!packet) return Err(packet.error());
    if (Status taken = TakePacket(*packet, is_first, compound); !taken) return Err(taken.error());
    is_first = false;
  } while (!walk.AtEnd());
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
