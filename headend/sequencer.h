// SPDX-License-Identifier: Apache-2.0
// From the encoder's sequence numbers and timestamps to ours.
#pragma once

#include <optional>

#include "base/time.h"
#include "headend/recent.h"

namespace keymast::headend {

// Placement is where a packet goes in our stream.
struct Placement {
  PacketIndex index;
  uint32_t timestamp = 0;
};

// Sequencer gives every packet an index that was never given before. Indexes rise by one a packet;
// what the encoder left out (packets lost on their way to us) is left out too, so that decoders see
// the loss, and a packet that comes late fills its own gap or nothing.
//
// An encoder that starts again never moves the index back: one index is left out, so that decoders
// do not join two halves of a picture, and our timestamp goes on from the last packet by the time
// that passed. Another SSRC is believed at once. Under the same one, two packets in a row show it,
// of which the first is refused: their numbers are out of reach, or were there before with other
// timestamps. A packet that comes again with its timestamp is a duplicate.
class Sequencer {
 public:
  // Reach of a sequence number: farther ahead or behind, it is another sequence (RFC 3550 A.1).
  static constexpr int32_t kMaxDropout = 3000;
  static constexpr int32_t kMaxMisorder = 64;

  // `first` was never used. `clock_rate` is that of the timestamps, in Hz.
  Sequencer(PacketIndex first, uint32_t clock_rate) : next_(first), clock_rate_(clock_rate) {}

  // Place takes an index below `end` for a packet. kReplayed: a duplicate, later than it could be
  // placed, or perhaps the first of another sequence. kUnavailable: nothing below `end` is left.
  // kIndexExhausted: nothing below 2^48 is. After an error nothing has changed but the memory of
  // what may be another sequence.
  Result<Placement> Place(const RtpHeader& header, PacketIndex end, Instant now);

  // next is above every index that was given.
  PacketIndex next() const { return next_; }
  // restarts counts how often the encoder began another sequence, its first one apart.
  uint64_t restarts() const { return restarts_; }
  // TimestampOf maps a timestamp of the encoder's sender report; nothing for another source's.
  std::optional<uint32_t> TimestampOf(Ssrc ssrc, uint32_t timestamp) const;

 private:
  Result<Placement> Begin(const RtpHeader& header, PacketIndex end, Instant now);
  Result<Placement> Advance(const RtpHeader& header, int32_t ahead, PacketIndex end, Instant now);
  Result<Placement> Suspect(const RtpHeader& header, PacketIndex end, Instant now);
  Placement FillGap(const RtpHeader& header, int32_t behind);
  Placement Note(const RtpHeader& header, PacketIndex index, Instant now);

  PacketIndex next_;
  uint32_t clock_rate_;
  bool started_ = false;
  // Of the encoder's present sequence.
  Ssrc source_;
  uint16_t highest_ = 0;  // its number of the packet with index next_ - 1
  uint64_t given_ = 0;    // bit i: index next_ - 1 - i was given, or is not of this sequence
  Recent recent_;
  uint32_t offset_ = 0;          // our timestamp minus its own
  uint32_t last_timestamp_ = 0;  // ours, of the packet placed last
  Instant last_at_{};
  std::optional<uint16_t> suspect_;  // the number that would show that another sequence began
  uint64_t restarts_ = 0;
};

}  // namespace keymast::headend
