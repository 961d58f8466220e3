// SPDX-License-Identifier: Apache-2.0
// The last packets of an encoder's sequence: they tell its duplicates from another sequence.
#pragma once

#include <array>
#include <bitset>

#include "headend/rtp.h"

namespace keymast::headend {

// Recent remembers the timestamps of one sequence's last packets. A packet that comes again has the
// timestamp that it had; an encoder that starts again with the same numbers has others.
class Recent {
 public:
  // How far behind the highest number it remembers: a picture of 1.3 MB that comes twice.
  static constexpr int32_t kReach = 1024;

  // Begin forgets all; `header` is the first packet of a sequence.
  void Begin(const RtpHeader& header);
  // Advance: `header` is the highest one now, `steps` above the highest before.
  void Advance(const RtpHeader& header, int32_t steps);
  // Fill: `header` came late, less than kReach behind the highest.
  void Fill(const RtpHeader& header);

  // Has is whether a packet `behind` (0 or more) the highest is of this sequence: it has the
  // timestamp that was remembered for its number or, where there is none, one less than `near` from
  // that of the next number that was there. False beyond kReach.
  bool Has(const RtpHeader& header, int32_t behind, uint32_t near) const;

 private:
  static size_t SlotOf(uint16_t sequence) { return sequence % size_t{kReach}; }

  std::bitset<kReach> known_;
  std::array<uint32_t, kReach> timestamps_{};
};

}  // namespace keymast::headend
