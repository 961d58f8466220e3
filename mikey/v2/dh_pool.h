// SPDX-License-Identifier: Apache-2.0
// Diffie-Hellman values made ahead of the exchanges that they are for; each serves one (MIKEYv2
// §5).
#pragma once

#include <vector>

#include "crypto/dh.h"
#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {

class DhPool {
 public:
  // At most `capacity` values of a group wait. They are wiped when they are given away or go.
  DhPool(const crypto::PublicSuite& pk, size_t capacity) : pk_(pk), capacity_(capacity) {}

  size_t size(crypto::DhGroup group) const { return waiting_[static_cast<size_t>(group)].size(); }

  // Make adds a value of the group: false when there are enough.
  bool Make(crypto::DhGroup group, crypto::Rng& rng) {
    std::vector<crypto::DhKey>& waiting = waiting_[static_cast<size_t>(group)];
    if (waiting.size() >= capacity_) return false;
    waiting.reserve(capacity_);  // so that none is ever moved
    waiting.emplace_back(pk_, group, rng);
    return true;
  }
  // MakeAny adds a value of the first group of a policy that has too few: false when none has, or
  // no mode of it needs one. HasRoom is what it would say. For a loop that has nothing else to do.
  bool MakeAny(const Policy& policy, crypto::Rng& rng) {
    const auto group = Lacking(policy);
    return group && Make(*group, rng);
  }
  bool HasRoom(const Policy& policy) const { return Lacking(policy).has_value(); }
  // Wipe all that wait.
  void Wipe() { waiting_ = {}; }
  // Take gives away one that waits, or makes one now.
  crypto::DhKey Take(crypto::DhGroup group, crypto::Rng& rng) {
    std::vector<crypto::DhKey>& waiting = waiting_[static_cast<size_t>(group)];
    if (waiting.empty()) return {pk_, group, rng};
    crypto::DhKey taken = waiting.back();
    waiting.pop_back();
    return taken;
  }

 private:
  std::optional<crypto::DhGroup> Lacking(const Policy& policy) const {
    const bool needs_any = std::ranges::any_of(
        policy.modes, [](uint8_t mode) { return HasDh(static_cast<Mode>(mode)); });
    if (!needs_any) return std::nullopt;
    for (const uint8_t number : policy.groups) {
      const auto group = CryptoGroup(static_cast<DhGroup>(number));
      if (group && size(*group) < capacity_) return group;
    }
    return std::nullopt;
  }

  static constexpr size_t kGroups = static_cast<size_t>(crypto::DhGroup::kX25519) + 1;
  const crypto::PublicSuite& pk_;
  size_t capacity_;
  std::array<std::vector<crypto::DhKey>, kGroups> waiting_;
};

// TakeDh takes a value of the pool, or makes one where there is no pool.
inline crypto::DhKey TakeDh(const crypto::PublicSuite& pk, DhPool* pool, crypto::DhGroup group,
                            crypto::Rng& rng) {
  return kSmall || pool == nullptr ? crypto::DhKey(pk, group, rng) : pool->Take(group, rng);
}

}  // namespace keymast::mikey::v2
