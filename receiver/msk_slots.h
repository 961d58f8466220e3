// SPDX-License-Identifier: Apache-2.0
// The MSKs that a receiver holds: at most two of its key group, the current and the next
// (TS 33.246 §6.3.2.1).
#pragma once

#include <array>
#include <optional>
#include <span>

#include "base/ids.h"
#include "crypto/secret.h"
#include "mikey/mbms.h"
#include "receiver/octets.h"

namespace keymast::receiver {

struct MskSlot {
  MskId id;
  crypto::Key32 key;
  Octets<255> rand;  // enters the derivation of every key under this MSK
  CsbId csb_id;
  MtkId low;  // MTK IDs from low to high may be taken; both count
  MtkId high;
  SrtpProfile profile = SrtpProfile::kAesCm128HmacSha1_80;
  std::array<mikey::StreamSync, mikey::kMaxStreams> streams{};
  size_t stream_count = 0;
  std::optional<uint32_t> mtk_counter;  // highest COUNTER of an MTK message that was taken
  MtkId floor;                          // MTK IDs up to this one are past
  MtkId highest;                        // highest MTK ID taken
  uint64_t order = 0;                   // 0: free; grows with each MSK installed
};

class MskSlots {
 public:
  const MskSlot* Find(MskId id) const;
  MskSlot* Find(MskId id);
  // Newest is the MSK installed last, or null.
  const MskSlot* Newest() const;
  // Install puts `slot` in the place of the same MSK ID, of a free one, or of the older of two.
  // It returns whether the MSK ID is a new one.
  bool Install(MskSlot slot);
  void Remove(MskId id);
  std::span<const MskSlot> all() const { return slots_; }

 private:
  std::array<MskSlot, 2> slots_;
  uint64_t installed_ = 0;
};

}  // namespace keymast::receiver
