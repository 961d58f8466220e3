// SPDX-License-Identifier: Apache-2.0
#include "headend/recent.h"

#include <algorithm>

namespace keymast::headend {

void Recent::Begin(const RtpHeader& header) {
  known_.reset();
  Fill(header);
}

void Recent::Advance(const RtpHeader& header, int32_t steps) {
  for (int32_t skipped = std::min(steps, kReach) - 1; skipped > 0; --skipped) {
    known_.reset(SlotOf(static_cast<uint16_t>(header.sequence - skipped)));
  }
  Fill(header);
}

void Recent::Fill(const RtpHeader& header) {
  const size_t slot = SlotOf(header.sequence);
  known_.set(slot);
  timestamps_.at(slot) = header.timestamp;
}

bool Recent::Has(const RtpHeader& header, int32_t behind, uint32_t near) const {
  if (behind >= kReach) return false;
  for (int32_t above = 0; above <= behind; ++above) {
    const size_t slot = SlotOf(static_cast<uint16_t>(header.sequence + above));
    if (!known_.test(slot)) continue;
    const uint32_t ahead = header.timestamp - timestamps_.at(slot);
    return above == 0 ? ahead == 0 : std::min(ahead, uint32_t{0} - ahead) < near;
  }
  return false;
}

}  // namespace keymast::headend
