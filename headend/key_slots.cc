// SPDX-License-Identifier: Apache-2.0
#include "headend/key_slots.h"

#include <algorithm>

namespace keymast::headend {
namespace {

// A key that was announced before `fresh` and is not to be used any more.
bool Voids(const Announced& fresh, const Announced& other) {
  if (other.name > fresh.name) return false;
  return other.name.msk != fresh.name.msk || other.switch_at >= fresh.switch_at;
}

}  // namespace

void KeySlots::Plan() {
  next_switch_ = kNever;
  for (const KeySlot& slot : announced_) {
    next_switch_ = std::min(next_switch_, slot.key.switch_at);
  }
}

Result<KeySlots::Outcome> KeySlots::Announce(const Announced& key, const MakeSessions& make) {
  if (current_ && key.name == current_->key.name) return Outcome::kInUse;
  if (current_ && key.name < current_->key.name) return Err(Error::kReplayed);
  const auto place = std::lower_bound(
      announced_.begin(), announced_.end(), key.name,
      [](const KeySlot& slot, const KeyName& name) { return slot.key.name < name; });
  if (place != announced_.end() && place->key.name == key.name) {
    place->key = key;
    Plan();
    return Outcome::kMoved;
  }
  if (announced_.size() == kCapacity) return Err(Error::kNoSpace);
  Result<std::vector<srtpio::Session>> sessions = make();
  if (!sessions) return Err(sessions.error());
  announced_.insert(place, {key, std::move(*sessions)});
  std::erase_if(announced_, [&](const KeySlot& slot) {
    return slot.key.name != key.name && Voids(key, slot.key);
  });
  Plan();
  return Outcome::kNew;
}

bool KeySlots::Advance(Instant now) {
  if (now < next_switch_) return false;
  const auto due = std::find_if(announced_.rbegin(), announced_.rend(),
                                [&](const KeySlot& slot) { return slot.key.switch_at <= now; });
  if (due == announced_.rend()) return false;
  ++changes_;
  current_ = std::move(*due);
  announced_.erase(announced_.begin(), due.base());
  Plan();
  return true;
}

}  // namespace keymast::headend
