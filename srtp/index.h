// SPDX-License-Identifier: Apache-2.0
// Packet index arithmetic (RFC 3711 §3.3.1).
#pragma once

#include "base/ids.h"

namespace keymast::srtp {

inline constexpr uint64_t kIndexMask = (uint64_t{1} << 48) - 1;

inline PacketIndex MakeIndex(Roc roc, uint16_t sequence) {
  return PacketIndex(uint64_t{roc.value} << 16 | sequence);
}
inline Roc RocOf(PacketIndex index) { return Roc(static_cast<uint32_t>(index.value >> 16)); }
inline uint16_t SequenceOf(PacketIndex index) { return static_cast<uint16_t>(index.value); }

// EstimateIndex guesses the index of a packet with `sequence` from the highest authenticated index
// (RFC 3711 §3.3.1 and appendix A). Near zero it never guesses below ROC 0.
PacketIndex EstimateIndex(PacketIndex highest, uint16_t sequence);

}  // namespace keymast::srtp
