// SPDX-License-Identifier: Apache-2.0
// What a receiver counts of a source's packets, for its reports (RFC 3550 §6.4.1, §A.3, §A.8).
#pragma once

#include "tools/peer_rtcp.h"

namespace keymast::tools {

class RtpReception {
 public:
  // Prior is where the counts were when a reporter reported last: each has its own.
  struct Prior {
    uint64_t expected = 0;
    uint64_t received = 0;
  };

  // `rate` is of the RTP timestamps, in a second.
  explicit RtpReception(uint32_t rate) : rate_(rate) {}

  // OnPacket counts one that has authenticated, and came for the first time.
  void OnPacket(uint16_t sequence, uint32_t timestamp, Instant now);
  // When the last one came; nothing before the first.
  std::optional<Instant> last() const { return last_; }
  bool HasNews(const Prior& prior) const { return received_ != prior.received; }
  // Report has all that the packets themselves tell; `prior` moves on. After the first packet only.
  ReportBlock Report(Prior& prior) const;

 private:
  uint64_t expected() const { return highest_ - first_ + 1; }
  void CountJitter(uint32_t timestamp, Instant now);

  uint32_t rate_;
  uint64_t first_ = 0;  // sequence number of the first packet
  uint64_t highest_ = 0;
  uint64_t received_ = 0;
  std::optional<Instant> begun_;
  std::optional<Instant> last_;
  uint32_t transit_ = 0;
  uint32_t jitter_ = 0;  // 16 times of what is reported
};

// TimestampsIn a duration that is not negative; modulo 2^32, as RTP's are.
uint32_t TimestampsIn(Duration duration, uint32_t rate);

}  // namespace keymast::tools
