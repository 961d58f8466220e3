// SPDX-License-Identifier: Apache-2.0
// Diffie-Hellman values made ahead of the exchanges that they are for; each serves one (MIKEYv2
// §5).
#pragma once

#include <vector>

#include "crypto/dh.h"

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
  // Take gives away one that waits, or makes one now.
  crypto::DhKey Take(crypto::DhGroup group, crypto::Rng& rng) {
    std::vector<crypto::DhKey>& waiting = waiting_[static_cast<size_t>(group)];
    if (waiting.empty()) return {pk_, group, rng};
    crypto::DhKey taken = waiting.back();
    waiting.pop_back();
    return taken;
  }

 private:
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
