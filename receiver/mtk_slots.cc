// SPDX-License-Identifier: Apache-2.0
#include "receiver/mtk_slots.h"

namespace keymast::receiver {
namespace {

template <class Slots, class Predicate>
auto* FindIf(Slots& slots, Predicate predicate) {
  const auto found = std::find_if(slots.begin(), slots.end(), [&](const MtkSlot& slot) {
    return slot.serial != 0 && predicate(slot);
  });
  return found == slots.end() ? nullptr : &*found;
}

}  // namespace

const MtkSlot* MtkSlots::Find(MskId msk, MtkId mtk) const {
  return FindIf(slots_, [&](const MtkSlot& s) { return s.msk == msk && s.mtk == mtk; });
}

const MtkSlot* MtkSlots::FindByMki(ByteView mki) const {
  return FindIf(slots_, [&](const MtkSlot& s) { return Equal(s.mki.view(), mki); });
}

const MtkSlot* MtkSlots::InUse() const {
  const MtkSlot* found = nullptr;
  for (const MtkSlot& slot : slots_) {
    if (slot.serial == 0 || !slot.used() || slot.retires_at != kNever) continue;
    // Two keys that begin at one instant of the clock: the one installed later is the newer.
    if (found == nullptr || slot.first_used > found->first_used ||
        (slot.first_used == found->first_used && slot.serial > found->serial)) {
      found = &slot;
    }
  }
  return found;
}

const MtkSlot* MtkSlots::Current() const {
  if (const MtkSlot* in_use = InUse()) return in_use;
  const auto newest =
      std::max_element(slots_.begin(), slots_.end(),
                       [](const MtkSlot& a, const MtkSlot& b) { return a.serial < b.serial; });
  return newest->serial == 0 ? nullptr : &*newest;
}

size_t MtkSlots::held() const {
  return static_cast<size_t>(std::count_if(slots_.begin(), slots_.end(),
                                           [](const MtkSlot& slot) { return slot.serial != 0; }));
}

MtkSlot* MtkSlots::Place() {
  const MtkSlot* in_use = InUse();
  // A free slot has serial 0 and so comes before every key; the key in use is never given up.
  return &*std::min_element(slots_.begin(), slots_.end(), [&](const MtkSlot& a, const MtkSlot& b) {
    if (&a == in_use || &b == in_use) return &a != in_use;
    return a.serial < b.serial;
  });
}

void MtkSlots::Install(MtkSlot slot, MtkSlot& evicted) {
  MtkSlot* place = Place();
  slot.serial = ++serials_;
  evicted = *place;
  *place = slot;
}

const MtkSlot* MtkSlots::Used(uint64_t serial, Instant now) {
  const MtkSlot* before = InUse();
  MtkSlot* slot = FindIf(slots_, [&](const MtkSlot& s) { return s.serial == serial; });
  if (slot == nullptr) return nullptr;
  slot->last_used = now;
  if (slot->used()) return slot;
  slot->first_used = now;
  if (before != nullptr && slot->retires_at == kNever) ++changes_;
  return slot;
}

Instant MtkSlots::SupersededAt(const MtkSlot& slot, bool msk_held) const {
  Instant earliest = kNever;
  for (const MtkSlot& other : slots_) {
    if (other.serial == 0 || !other.used() || other.serial == slot.serial) continue;
    bool newer = other.first_used > slot.first_used;
    if (!slot.used()) newer = other.msk == slot.msk ? other.mtk > slot.mtk : !msk_held;
    if (newer) earliest = std::min(earliest, other.first_used);
  }
  return earliest;
}

bool MtkSlots::IsPast(const MtkSlot& slot, const MskSlots& msks, Instant now) const {
  if (slot.retires_at != kNever) return slot.retires_at <= now;
  const MtkSlot* in_use = InUse();
  if (in_use == nullptr || &slot == in_use) return false;
  const Instant superseded_at = SupersededAt(slot, msks.Find(slot.msk) != nullptr);
  const Instant last_wanted = slot.used() ? slot.last_used : slot.installed_at;
  return superseded_at != kNever && now - superseded_at > kGrace && now - last_wanted > kGrace;
}

bool MtkSlots::Retire(Instant now, const MskSlots& msks, MtkSlot& retired) {
  MtkSlot* past = FindIf(slots_, [&](const MtkSlot& slot) { return IsPast(slot, msks, now); });
  if (past == nullptr) return false;
  retired = *past;
  *past = MtkSlot();
  return true;
}

void MtkSlots::RemoveUnder(MskId msk) {
  for (MtkSlot& slot : slots_) {
    if (slot.msk == msk) slot = MtkSlot();
  }
}

}  // namespace keymast::receiver
