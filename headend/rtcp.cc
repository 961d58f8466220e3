// SPDX-License-Identifier: Apache-2.0
#include "headend/rtcp.h"

#include <optional>

#include "base/check.h"

namespace keymast::headend {
namespace {

Result<SenderReport> ReadOne(const srtp::RtcpPacket& packet) {
  Reader reader(packet.body);
  SenderReport report;
  report.ssrc = Ssrc(reader.U32());
  const srtp::SenderInfo info = srtp::ReadSenderInfo(reader);
  report.ntp = info.ntp;
  report.timestamp = info.timestamp;
  reader.Take(packet.count * srtp::kReportBlock);
  if (!reader.ok()) return Err(Error::kMalformed);
  return report;
}

}  // namespace

Result<SenderReport> ReadSenderReport(ByteView compound) {
  srtp::RtcpWalk walk(compound);
  std::optional<SenderReport> found;
  do {
    const Result<srtp::RtcpPacket> packet = walk.Next();
    if (!packet) return Err(packet.error());
    if (packet->type != srtp::kSenderReport) continue;
    const Result<SenderReport> report = ReadOne(*packet);
    if (!report) return report;
    if (!found) found = *report;
  } while (!walk.AtEnd());
  if (!found) return Err(Error::kUnexpected);
  return *found;
}

size_t WriteSenderReport(MutableBytes out, const SenderReport& report, const SentTotals& sent,
                         std::string_view cname) {
  KEYMAST_CHECK(out.size() >= kMaxSenderReport);
  Writer writer(out);
  // No report blocks: this end hears nobody.
  srtp::WriteRtcpHead(writer, 0, srtp::kSenderReport, srtp::kRtcpWord + srtp::kSenderInfo);
  writer.U32(report.ssrc.value);
  srtp::WriteSenderInfo(writer, {report.ntp, report.timestamp,
                                 static_cast<uint32_t>(sent.packets),  // both modulo 2^32
                                 static_cast<uint32_t>(sent.octets)});
  srtp::WriteCname(writer, report.ssrc, cname);
  KEYMAST_CHECK(writer.ok());
  return writer.size();
}

}  // namespace keymast::headend
