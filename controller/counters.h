// SPDX-License-Identifier: Apache-2.0
// What the controller counts; `server` turns it into a metrics snapshot.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "base/error.h"
#include "rekey/state.h"

namespace keymast::controller {

struct Counters {
  std::array<uint64_t, kErrorCount> discards{};  // datagrams, by reason
  std::map<std::pair<rekey::KeyLevel, rekey::RekeyReason>, uint64_t> rekeys;
  uint64_t msk_messages = 0;  // first sends
  uint64_t msk_retransmissions = 0;
  uint64_t msk_verifications = 0;  // accepted
  uint64_t msk_give_ups = 0;
  uint64_t mtk_messages = 0;  // first sends of an MTK
  uint64_t mtk_repetitions = 0;
  uint64_t switches_held = 0;  // MTK switches put off because no headend held the key
};

}  // namespace keymast::controller
