// SPDX-License-Identifier: Apache-2.0
// Rekey is one change of a channel's keys: ids and instants, never keys.
#pragma once

#include "base/ids.h"
#include "base/time.h"

namespace keymast::rekey {

enum class KeyLevel : uint8_t { kMtk = 1, kMsk = 2 };
enum class RekeyReason : uint8_t {
  kCreated = 1,
  kSchedule,
  kOperator,
  kExclusion,
  kLeave,
  kExhaustion,
  kIncarnation,
  kHeadend,
  kCalendar,
  kLife
};
inline constexpr RekeyReason kLastReason = RekeyReason::kLife;

struct Rekey {
  uint64_t sequence = 0;  // per channel, from 1
  KeyLevel level = KeyLevel::kMtk;
  RekeyReason reason = RekeyReason::kSchedule;
  MskId msk;
  MtkId mtk;
  Instant prepared_at{};
  Instant switch_at{};
  uint64_t recipients = 0;
  friend bool operator==(const Rekey&, const Rekey&) = default;
};

}  // namespace keymast::rekey
