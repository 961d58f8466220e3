// SPDX-License-Identifier: Apache-2.0
#include "controller/rates.h"

#include <algorithm>

namespace keymast::controller {

uint64_t InstantTable::HashOf(ByteView name) const {
  return std::max<uint64_t>(crypto::ShortHash(key_, name), 1);
}

const Instant* InstantTable::Find(ByteView name) const {
  if (places_.empty()) return nullptr;
  const uint64_t hash = HashOf(name);
  const size_t first = hash % (kPlaces / kWays) * kWays;
  for (size_t i = first; i < first + kWays; ++i) {
    if (places_[i].name == hash) return &places_[i].instant;
  }
  return nullptr;
}

Instant& InstantTable::At(ByteView name) {
  if (places_.empty()) places_.resize(kPlaces);
  const uint64_t hash = HashOf(name);
  const size_t first = hash % (kPlaces / kWays) * kWays;
  Place* earliest = &places_[first];
  for (size_t i = first; i < first + kWays; ++i) {
    if (places_[i].name == hash) return places_[i].instant;
    if (places_[i].instant < earliest->instant) earliest = &places_[i];
  }
  *earliest = {hash, {}};
  return earliest->instant;
}

bool Rates::Allows(ByteView name, Instant now) const {
  const Instant* full_until = table_.Find(name);
  return full_until == nullptr || Bucket{*full_until}.Allows(rate_, now);
}

bool Rates::Take(ByteView name, Instant now) {
  Instant& full_until = table_.At(name);
  Bucket bucket{full_until};
  if (!bucket.Take(rate_, now)) return false;
  full_until = bucket.full_until;
  return true;
}

}  // namespace keymast::controller
