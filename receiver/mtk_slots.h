// SPDX-License-Identifier: Apache-2.0
// The MTKs that a receiver holds, and when it lets one go.
#pragma once

#include <array>
#include <span>

#include "base/time.h"
#include "crypto/secret.h"
#include "receiver/msk_slots.h"
#include "receiver/octets.h"

namespace keymast::receiver {

struct MtkSlot {
  MskId msk;
  MtkId mtk;
  crypto::Key32 key;
  crypto::Salt14 salt;
  SrtpProfile profile = SrtpProfile::kAesCm128HmacSha1_80;
  Octets<9> mki;
  uint64_t serial = 0;  // 0: free; never the same for two keys
  Instant installed_at{};
  Instant first_used = kNever;  // first and last packet that opened; kNever: none yet
  Instant last_used = kNever;
  Instant retires_at = kNever;  // its MSK has retired

  bool used() const { return first_used != kNever; }
};

// MtkSlots keeps the key in use for as long as packets come under it, however long ago its period
// ended: a headend that lost its server stays on it. Keys older than that one go after kGrace,
// those of an MSK that has retired at kRetireTime whatever comes under them.
class MtkSlots {
 public:
  static constexpr size_t kCapacity = 16;
  static constexpr Duration kGrace = std::chrono::seconds(5);
  static constexpr Duration kRetireTime = std::chrono::seconds(2);  // MIKEYv2 §10

  // Both give null when there is none.
  const MtkSlot* Find(MskId msk, MtkId mtk) const;
  const MtkSlot* FindByMki(ByteView mki) const;
  // Current is the key that media switched to last; before any media the one installed last; null
  // when none is held.
  const MtkSlot* Current() const;
  size_t held() const;
  uint64_t changes() const { return changes_; }

  // Install takes a free place or that of the key given up first; `evicted` is that key, or free.
  void Install(MtkSlot slot, MtkSlot& evicted);
  // Used notes that a packet opened under the key with this serial, and gives that key, or null.
  const MtkSlot* Used(uint64_t serial, Instant now);
  // Retire frees one key that is older than the one in use and past its grace, if there is one, and
  // tells which.
  bool Retire(Instant now, const MskSlots& msks, MtkSlot& retired);
  void RemoveUnder(MskId msk);
  // RetireIf `is_past` is true of its MSK: from now on such a key is not in use, and Retire gives
  // it up at kRetireTime. It returns whether there is one.
  template <class Predicate>
  bool RetireIf(Predicate is_past, Instant now) {
    bool any = false;
    for (MtkSlot& slot : slots_) {
      if (slot.serial == 0 || !is_past(slot.msk)) continue;
      any = true;
      if (slot.retires_at == kNever) slot.retires_at = now + kRetireTime;
    }
    return any;
  }
  // RetireBelow an MSK that is in use.
  bool RetireBelow(KeyNumber number, Instant now) {
    return RetireIf([number](MskId msk) { return msk.number < number; }, now);
  }
  std::span<const MtkSlot, kCapacity> all() const { return slots_; }

 private:
  const MtkSlot* InUse() const;
  bool IsPast(const MtkSlot& slot, const MskSlots& msks, Instant now) const;
  // SupersededAt is when media first came under a key newer than `slot`; kNever if it did not.
  Instant SupersededAt(const MtkSlot& slot, bool msk_held) const;
  MtkSlot* Place();

  std::array<MtkSlot, kCapacity> slots_;
  uint64_t serials_ = 0;
  uint64_t changes_ = 0;
};

}  // namespace keymast::receiver
