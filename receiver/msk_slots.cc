// SPDX-License-Identifier: Apache-2.0
#include "receiver/msk_slots.h"

namespace keymast::receiver {

const MskSlot* MskSlots::Find(MskId id) const {
  for (const MskSlot& slot : slots_) {
    if (slot.order != 0 && slot.id == id) return &slot;
  }
  return nullptr;
}

MskSlot* MskSlots::Find(MskId id) {
  return const_cast<MskSlot*>(static_cast<const MskSlots*>(this)->Find(id));
}

const MskSlot* MskSlots::Newest() const {
  const auto newest =
      std::max_element(slots_.begin(), slots_.end(),
                       [](const MskSlot& a, const MskSlot& b) { return a.order < b.order; });
  return newest->order == 0 ? nullptr : &*newest;
}

bool MskSlots::Install(MskSlot slot) {
  MskSlot* place = Find(slot.id);
  const bool is_new = place == nullptr;
  if (is_new) {
    // A free slot has order 0, so it is the oldest of all.
    place =
        &*std::min_element(slots_.begin(), slots_.end(),
                           [](const MskSlot& a, const MskSlot& b) { return a.order < b.order; });
    slot.order = ++installed_;
  } else {
    slot.order = place->order;
  }
  *place = slot;
  return is_new;
}

void MskSlots::Remove(MskId id) {
  if (MskSlot* slot = Find(id)) *slot = MskSlot();
}

}  // namespace keymast::receiver
