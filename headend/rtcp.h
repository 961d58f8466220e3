// SPDX-License-Identifier: Apache-2.0
// Sender reports: the encoder's clock in, ours out (RFC 3550 §6.4.1). Of all else that an encoder
// says by RTCP nothing is passed on: report blocks speak of what the encoder hears, a BYE takes
// leave of a stream that goes on, and who we are (SDES) is the channel's name.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "srtp/rtcp.h"

namespace keymast::headend {

// SenderReport is the part of an SR that only the encoder knows: which wall clock belongs to which
// timestamp.
struct SenderReport {
  Ssrc ssrc;
  uint64_t ntp = 0;  // 32.32 seconds since 1900
  uint32_t timestamp = 0;
};

// ReadSenderReport finds the SR of a compound packet, or of a single one (RFC 5506). kTruncated,
// kUnknownVersion, kMalformed (lengths that do not add up), kUnexpected (no SR in it).
Result<SenderReport> ReadSenderReport(ByteView compound);

// SentTotals is what the report says of ourselves, since this process began.
struct SentTotals {
  uint64_t packets = 0;
  uint64_t octets = 0;  // payload without padding
};

// WriteSenderReport writes SR and SDES with CNAME `cname` (at most srtp::kMaxCname octets) and
// returns their length: at most kMaxSenderReport.
inline constexpr size_t kMaxSenderReport = 8 + srtp::kSenderInfo + srtp::kMaxDescription;
size_t WriteSenderReport(MutableBytes out, const SenderReport& report, const SentTotals& sent,
                         std::string_view cname);

}  // namespace keymast::headend
