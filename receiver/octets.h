// SPDX-License-Identifier: Apache-2.0
// Public octets of bounded length, inside their owner: no heap.
#pragma once

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/check.h"

namespace keymast::receiver {

template <size_t Capacity>
class Octets {
 public:
  static_assert(Capacity <= 255);
  Octets() = default;
  explicit Octets(ByteView octets) : size_(static_cast<uint8_t>(octets.size())) {
    KEYMAST_CHECK(octets.size() <= Capacity);
    std::copy(octets.begin(), octets.end(), octets_.begin());
  }
  // The view lives as long as this object.
  ByteView view() const { return {octets_.data(), size_}; }
  bool empty() const { return size_ == 0; }
  friend bool operator==(const Octets& a, const Octets& b) { return Equal(a.view(), b.view()); }

 private:
  std::array<uint8_t, Capacity> octets_{};
  uint8_t size_ = 0;
};

}  // namespace keymast::receiver
