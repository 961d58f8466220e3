// SPDX-License-Identifier: Apache-2.0
#include "srtp/index.h"

namespace keymast::srtp {
namespace {

constexpr uint16_t kHalf = 0x8000;  // 2^15, the reach of the guess in either direction
constexpr uint32_t kLastRoc = 0xffffffff;

}  // namespace

PacketIndex EstimateIndex(PacketIndex highest, uint16_t sequence) {
  const Roc roc = RocOf(highest);
  const uint16_t last = SequenceOf(highest);
  // RFC 3711 appendix A: v is the one of ROC - 1, ROC, ROC + 1 that brings the index closest to
  // the highest one seen. §3.3.1 counts modulo 2^32; below 0 and above 2^32 - 1 there is no packet
  // of this key (§9.2), so the guess stays inside.
  if (last < kHalf) {
    const bool before_wrap = sequence > last + kHalf;
    return MakeIndex(before_wrap && roc.value > 0 ? Roc(roc.value - 1) : roc, sequence);
  }
  const bool after_wrap = sequence < last - kHalf;
  return MakeIndex(after_wrap && roc.value < kLastRoc ? Roc(roc.value + 1) : roc, sequence);
}

}  // namespace keymast::srtp
