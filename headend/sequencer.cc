// SPDX-License-Identifier: Apache-2.0
#include "headend/sequencer.h"

#include <algorithm>

#include "srtp/index.h"

namespace keymast::headend {
namespace {

constexpr uint64_t kIndexes = srtp::kIndexMask + 1;
constexpr Duration kLongestPause = std::chrono::hours(24 * 30);

// A pause in ticks of the timestamp clock, at least one: a new picture is not part of the last.
uint32_t Ticks(Duration pause, uint32_t clock_rate) {
  const Duration held = std::clamp(pause, Duration::zero(), kLongestPause);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(held).count();
  const uint64_t ticks = static_cast<uint64_t>(micros) * clock_rate / 1'000'000;
  return static_cast<uint32_t>(std::max<uint64_t>(ticks, 1));
}

Status Admit(uint64_t index, PacketIndex end) {
  if (index >= kIndexes) return Err(Error::kIndexExhausted);
  if (index >= end.value) return Err(Error::kUnavailable);
  return {};
}

}  // namespace

Placement Sequencer::Note(const RtpHeader& header, PacketIndex index, Instant now) {
  suspect_.reset();
  last_timestamp_ = header.timestamp + offset_;
  last_at_ = now;
  return {index, last_timestamp_};
}

// The first packet of a sequence. All that lies behind counts as given: it belongs to others.
Result<Placement> Sequencer::Begin(const RtpHeader& header, PacketIndex end, Instant now) {
  const uint64_t index = next_.value + (started_ ? 1 : 0);
  if (const Status admitted = Admit(index, end); !admitted) return Err(admitted.error());
  if (started_) {
    ++restarts_;
    offset_ = last_timestamp_ + Ticks(now - last_at_, clock_rate_) - header.timestamp;
  }
  started_ = true;
  source_ = header.ssrc;
  highest_ = header.sequence;
  given_ = ~uint64_t{0};
  recent_.Begin(header);
  next_ = PacketIndex(index + 1);
  return Note(header, PacketIndex(index), now);
}

Result<Placement> Sequencer::Advance(const RtpHeader& header, int32_t ahead, PacketIndex end,
                                     Instant now) {
  const auto steps = static_cast<uint64_t>(ahead);
  uint64_t index = next_.value - 1 + steps;
  uint64_t given = (steps < 64 ? given_ << steps : 0) | 1;
  // A loss may lead beyond what is reserved while there is enough of it to reserve no more. It
  // shows as the loss of one packet then, and nothing can fill it.
  const uint64_t nearest = next_.value + 1;
  if (index > nearest && !Admit(index, end)) {
    index = nearest;
    given = ~uint64_t{0};
  }
  if (const Status admitted = Admit(index, end); !admitted) return Err(admitted.error());
  highest_ = header.sequence;
  given_ = given;
  recent_.Advance(header, ahead);
  next_ = PacketIndex(index + 1);
  return Note(header, PacketIndex(index), now);
}

Placement Sequencer::FillGap(const RtpHeader& header, int32_t behind) {
  given_ |= uint64_t{1} << behind;
  suspect_.reset();
  recent_.Fill(header);
  const PacketIndex index(next_.value - 1 - static_cast<uint64_t>(behind));
  return {index, header.timestamp + offset_};
}

// A packet that is not of the present sequence: another sequence when the next number follows it, a
// stray otherwise (RFC 3550 A.1).
Result<Placement> Sequencer::Suspect(const RtpHeader& header, PacketIndex end, Instant now) {
  const bool followed = suspect_ == header.sequence;
  suspect_ = static_cast<uint16_t>(header.sequence + 1);
  if (!followed) return Err(Error::kReplayed);
  return Begin(header, end, now);
}

Result<Placement> Sequencer::Place(const RtpHeader& header, PacketIndex end, Instant now) {
  if (!started_ || header.ssrc != source_) return Begin(header, end, now);
  const auto distance = static_cast<int16_t>(header.sequence - highest_);
  if (distance > kMaxDropout) return Suspect(header, end, now);
  if (distance > 0) return Advance(header, distance, end, now);
  const int32_t behind = -distance;
  if (behind < kMaxMisorder && (given_ >> behind & 1) == 0) return FillGap(header, behind);
  // Pictures may come twice, each in one burst: numbers alone do not tell that from a restart.
  const uint32_t second = clock_rate_;
  if (recent_.Has(header, behind, second)) return Err(Error::kReplayed);
  return Suspect(header, end, now);
}

std::optional<uint32_t> Sequencer::TimestampOf(Ssrc ssrc, uint32_t timestamp) const {
  if (!started_ || ssrc != source_) return std::nullopt;
  return timestamp + offset_;
}

}  // namespace keymast::headend
