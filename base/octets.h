// SPDX-License-Identifier: Apache-2.0
// Public octets of varying length in a place of fixed size: no heap. Key material never lives in
// these: see crypto/secret.h.
#pragma once

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/check.h"

namespace keymast {

template <size_t Capacity>
class Octets {
 public:
  Octets() = default;
  // `octets` has at most Capacity octets: see Fits.
  explicit Octets(ByteView octets) : size_(static_cast<uint16_t>(octets.size())) {
    static_assert(Capacity <= 0xffff);
    KEYMAST_CHECK(Fits(octets));
    std::copy(octets.begin(), octets.end(), octets_.begin());
  }
  // Assign is the same in place, for what is large.
  void Assign(ByteView octets) {
    KEYMAST_CHECK(Fits(octets));
    size_ = static_cast<uint16_t>(octets.size());
    std::copy(octets.begin(), octets.end(), octets_.begin());
  }
  static bool Fits(ByteView octets) { return octets.size() <= Capacity; }

  ByteView view() const { return {octets_.data(), size_}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  friend bool operator==(const Octets& a, const Octets& b) { return Equal(a.view(), b.view()); }

 private:
  std::array<uint8_t, Capacity> octets_{};
  uint16_t size_ = 0;
};

}  // namespace keymast
