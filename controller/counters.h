// SPDX-License-Identifier: Apache-2.0
// What the controller counts; `server` turns it into a metrics snapshot.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "base/error.h"
#include "rekey/state.h"

namespace keymast::controller {

// Of MIKEYv2; by mode from 1 (MIKEYv2 §1).
struct KeyingCounters {
  std::array<uint64_t, 7> answers{};  // first sends
  std::array<uint64_t, 7> joins{};    // exchanges that were finished
  uint64_t repetitions = 0;           // of answers and KEYS
  uint64_t retries = 0;               // RETRYs
  uint64_t tickets_given = 0;
  uint64_t tickets_taken = 0;    // exchanges that one opened
  uint64_t tickets_refused = 0;  // spent, void, past or unreadable
  std::array<uint64_t, kErrorCount> discards{};
};

// Of MIKEYv2's REPORTs.
struct ReportCounters {
  std::array<uint64_t, 4> taken{};  // by kind, from 1
  uint64_t answers = 0;             // KEYS
  uint64_t pushes = 0;              // KEYS that nobody asked for, first sends
  uint64_t repetitions = 0;         // of those
  std::array<uint64_t, kErrorCount> discards{};
};

struct Counters {
  std::array<uint64_t, kErrorCount> discards{};  // datagrams, by reason
  std::map<std::pair<rekey::KeyLevel, rekey::RekeyReason>, uint64_t> rekeys;
  std::map<rekey::RekeyReason, uint64_t> blackouts_pierced;
  uint64_t channels_over_quota = 0;  // creations refused
  uint64_t members_over_quota = 0;
  uint64_t msk_messages = 0;  // first sends
  uint64_t msk_retransmissions = 0;
  uint64_t msk_verifications = 0;  // accepted
  uint64_t msk_give_ups = 0;
  uint64_t mtk_messages = 0;  // first sends of an MTK
  uint64_t mtk_repetitions = 0;
  KeyingCounters keying;
  ReportCounters reports;
  uint64_t switches_held = 0;  // MTK switches put off because no headend held the key
};

}  // namespace keymast::controller
