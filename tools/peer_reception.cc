// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_reception.h"

#include <algorithm>
#include <cstdlib>

#include "base/check.h"
#include "srtp/index.h"

namespace keymast::tools {
namespace {

constexpr int64_t kNanos = 1'000'000'000;

}  // namespace

uint32_t TimestampsIn(Duration duration, uint32_t rate) {
  const int64_t nanos = duration.count();
  return static_cast<uint32_t>(nanos / kNanos * rate + nanos % kNanos * rate / kNanos);
}

void RtpReception::OnPacket(uint16_t sequence, uint32_t timestamp, Instant now) {
  ++received_;
  if (!begun_) {
    begun_ = now;
    first_ = sequence;
    highest_ = sequence;
  } else {
    highest_ = std::max(highest_, srtp::EstimateIndex(PacketIndex(highest_), sequence).value);
  }
  CountJitter(timestamp, now);
  last_ = now;
}

// §A.8: the mean of how much later or sooner packets come than the one before.
void RtpReception::CountJitter(uint32_t timestamp, Instant now) {
  const uint32_t transit = TimestampsIn(now - *begun_, rate_) - timestamp;
  const auto change = static_cast<int32_t>(transit - transit_);
  transit_ = transit;
  if (!last_) return;
  const auto distance = static_cast<uint32_t>(std::abs(int64_t{change}));
  jitter_ += distance - ((jitter_ + 8) >> 4);
}

// §A.3.
ReportBlock RtpReception::Report(Prior& prior) const {
  KEYMAST_CHECK(begun_.has_value());
  ReportBlock block;
  block.highest = static_cast<uint32_t>(highest_);
  block.jitter = jitter_ >> 4;
  block.lost = static_cast<int32_t>(static_cast<int64_t>(expected() - received_));
  const auto due = static_cast<int64_t>(expected() - prior.expected);
  const int64_t lost = due - static_cast<int64_t>(received_ - prior.received);
  const bool is_lossy = due > 0 && lost > 0;
  block.fraction_lost =
      is_lossy ? static_cast<uint8_t>(std::min<int64_t>(lost * 256 / due, 255)) : 0;
  prior = {expected(), received_};
  return block;
}

}  // namespace keymast::tools
