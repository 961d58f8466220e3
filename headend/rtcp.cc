// SPDX-License-Identifier: Apache-2.0
#include "headend/rtcp.h"

#include <optional>

#include "base/check.h"
#include "base/cursor.h"

namespace keymast::headend {
namespace {

constexpr uint8_t kVersion = 2;
constexpr uint8_t kPadding = 0x20;
constexpr uint8_t kSenderReport = 200;
constexpr uint8_t kSourceDescription = 202;
constexpr uint8_t kCname = 1;
constexpr size_t kWord = 4;
constexpr size_t kReportBlock = 24;

Result<SenderReport> ReadOne(ByteView body, uint8_t blocks) {
  Reader reader(body);
  SenderReport report;
  report.ssrc = Ssrc(reader.U32());
  report.ntp = reader.U64();
  report.timestamp = reader.U32();
  reader.U64();  // packet and octet counts
  reader.Take(blocks * kReportBlock);
  if (!reader.ok()) return Err(Error::kMalformed);
  return report;
}

}  // namespace

Result<SenderReport> ReadSenderReport(ByteView compound) {
  Reader reader(compound);
  std::optional<SenderReport> found;
  do {
    const uint8_t first = reader.U8();
    const uint8_t type = reader.U8();
    const ByteView body = reader.Take(reader.U16() * kWord);
    if (!reader.ok()) return Err(Error::kTruncated);
    if (first >> 6 != kVersion) return Err(Error::kUnknownVersion);
    // Only the last packet may be padded (§6.4.1).
    if ((first & kPadding) != 0 && !reader.empty()) return Err(Error::kMalformed);
    if (type != kSenderReport) continue;
    const Result<SenderReport> report = ReadOne(body, first & 0x1f);
    if (!report) return report;
    if (!found) found = *report;
  } while (!reader.empty());
  if (!found) return Err(Error::kUnexpected);
  return *found;
}

size_t WriteSenderReport(MutableBytes out, const SenderReport& report, const SentTotals& sent,
                         std::string_view cname) {
  KEYMAST_CHECK(out.size() >= kMaxSenderReport && cname.size() <= 255);
  Writer writer(out);
  writer.U8(kVersion << 6);  // no report blocks: this end hears nobody
  writer.U8(kSenderReport);
  writer.U16(6);
  writer.U32(report.ssrc.value);
  writer.U64(report.ntp);
  writer.U32(report.timestamp);
  writer.U32(static_cast<uint32_t>(sent.packets));  // both count modulo 2^32
  writer.U32(static_cast<uint32_t>(sent.octets));

  // §6.5: one chunk, its items ended by one to four zero octets up to a whole word.
  const size_t items = 2 + cname.size();
  const size_t padded = (items / kWord + 1) * kWord;
  writer.U8(kVersion << 6 | 1);
  writer.U8(kSourceDescription);
  writer.U16(1 + padded / kWord);
  writer.U32(report.ssrc.value);
  writer.U8(kCname);
  writer.U8(cname.size());
  writer.Put(AsBytes(cname));
  for (size_t i = items; i < padded; ++i) writer.U8(0);
  KEYMAST_CHECK(writer.ok());
  return writer.size();
}

}  // namespace keymast::headend
