// SPDX-License-Identifier: Apache-2.0
// Compound RTCP packets as a side of a session of two sends them, and takes them from the other
// side (RFC 3550 §6).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"
#include "srtp/rtcp.h"

namespace keymast::tools {

inline constexpr size_t kMaxReportBlocks = 31;  // of one SR or RR

// ReportBlock is what one source says of the packets of another (§6.4.1).
struct ReportBlock {
  Ssrc ssrc;                  // whose packets
  uint8_t fraction_lost = 0;  // of 256, since the report before
  int32_t lost = 0;           // since they began; 24 bits, below 0 where packets came twice
  uint32_t highest = 0;       // sequence number, with the times that it wrapped above it
  uint32_t jitter = 0;        // in units of their RTP timestamp
  uint32_t last_report = 0;   // middle 32 bits of the last SR's NTP time; 0: none has come
  uint32_t delay = 0;         // since that came, in 1/65536 s
};

// Compound is an SR or RR, a CNAME, and the leave that its source takes (§6.1).
struct Compound {
  Ssrc ssrc;  // whose it is
  std::optional<srtp::SenderInfo> sender;
  std::vector<ReportBlock> blocks;
  std::string cname;
  bool is_bye = false;
};

// WriteCompound gives SR or RR, SDES and, where it leaves, BYE. At most kMaxReportBlocks blocks, a
// CNAME of 1 to srtp::kMaxCname octets.
Bytes WriteCompound(const Compound& compound);

// ReadCompound checks a compound packet as §A.2 does: an SR or RR is first, a CNAME of its source
// comes with it. Packets of other types, and what is said of other sources, are passed over.
// kTruncated, kUnknownVersion, kUnexpected (another packet first), kMalformed, kPayloadMissing (no
// CNAME).
Result<Compound> ReadCompound(ByteView octets);

// NtpOf is 32.32 seconds since 1900 (§4).
uint64_t NtpOf(Instant t);
// MiddleOf an NTP time: 16.16 seconds.
constexpr uint32_t MiddleOf(uint64_t ntp) { return static_cast<uint32_t>(ntp >> 16); }

}  // namespace keymast::tools
