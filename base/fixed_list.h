// SPDX-License-Identifier: Apache-2.0
// A few values in a place of fixed size: no heap.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "base/check.h"

namespace keymast {

// FixedList holds its values in their order; those that are not used are default values.
template <class T, size_t Capacity>
class FixedList {
 public:
  bool full() const { return size_ == Capacity; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() {
    for (T& item : mutable_view()) item = {};
    size_ = 0;
  }
  // Add may not be called on a full list.
  T& Add(T item) {
    KEYMAST_CHECK(!full());
    return items_.data()[size_++] = std::move(item);  // checked
  }
  const T& operator[](size_t i) const { return view()[i]; }
  std::span<const T> view() const { return {items_.data(), size_}; }
  std::span<T> mutable_view() { return {items_.data(), size_}; }
  const T* begin() const { return items_.data(); }
  const T* end() const { return items_.data() + size_; }

 private:
  std::array<T, Capacity> items_{};
  size_t size_ = 0;
};

}  // namespace keymast
