// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets of version 2's step machines share: an input is a first octet that chooses
// the mode, then datagrams with two octets of length in front of each.
#pragma once

#include "tests/unit/mikey/v2_directory.h"

namespace keymast::mikey::v2 {

inline constexpr uint64_t kFuzzSeed = 1;  // the seeds of the corpora are made with it

inline Policy FuzzPolicy(uint8_t choice) {
  Policy policy = Policy::Default();
  policy.modes.clear();
  for (const Mode mode : {Mode::kPsk, Mode::kDhhmac, Mode::kEarlyDhhmac}) {
    const bool is_chosen = choice % 4 == 3 || choice % 4 == policy.modes.size();
    policy.modes.Add(static_cast<uint8_t>(is_chosen ? mode : Mode::kPsk));
  }
  FixedList<uint8_t, 6> distinct;
  for (const uint8_t mode : policy.modes) {
    if (!Contains(distinct.view(), mode)) distinct.Add(mode);
  }
  policy.modes = distinct;
  return policy;
}

inline Wish FuzzWish(uint8_t choice) {
  static constexpr StreamOffer kStreams[] = {{true, true, 0x11}, {false, true, 0}};
  if ((choice & 4) != 0) return {kMemberId, kGroupId, kPskOctets, kAnyGroup, {}, {}};
  return {kMemberId, kPeerId, kPskOctets, std::nullopt, kStreams, {}};
}

// ForEachDatagram calls `take` with every datagram that is whole.
template <class Take>
void ForEachDatagram(ByteView octets, Take take) {
  Reader reader(octets);
  while (!reader.empty()) {
    const ByteView datagram = reader.Take(reader.U16());
    if (!reader.ok()) return;
    take(datagram);
  }
}

}  // namespace keymast::mikey::v2
