// SPDX-License-Identifier: Apache-2.0
// A few values in a place of fixed size: no heap.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/small.h"

namespace keymast {

// FixedRoom is where a list's values lie. There are none until they are added: room costs nothing
// until it is used, nor does a copy copy it.
template <class T, size_t Capacity, bool kIsSmall>
class FixedRoom {
 public:
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): values begin when they are added
  FixedRoom() {}
  FixedRoom(const FixedRoom& other) { Append(other); }
  FixedRoom& operator=(const FixedRoom& other) {
    if (this == &other) return *this;
    Clear();
    Append(other);
    return *this;
  }
  ~FixedRoom() { Clear(); }

  void Clear() {
    std::destroy_n(items_, size_);
    size_ = 0;
  }
  T& Add(T item) { return *std::construct_at(items_ + size_++, std::move(item)); }
  T* data() { return items_; }
  const T* data() const { return items_; }
  size_t size() const { return size_; }

 private:
  void Append(const FixedRoom& other) {
    std::uninitialized_copy_n(other.items_, other.size_, items_);
    size_ = other.size_;
  }

  union {
    T items_[Capacity];
  };
  size_t size_ = 0;
};

// Of a small receiver: default values where there is nothing, which takes less code.
template <class T, size_t Capacity>
class FixedRoom<T, Capacity, true> {
 public:
  void Clear() {
    for (; size_ > 0; --size_) items_[size_ - 1] = {};
  }
  T& Add(T item) { return items_.data()[size_++] = std::move(item); }
  T* data() { return items_.data(); }
  const T* data() const { return items_.data(); }
  size_t size() const { return size_; }

 private:
  std::array<T, Capacity> items_{};
  size_t size_ = 0;
};

// FixedList holds its values in their order. It has another name in a small receiver, beside which
// there may be others.
template <class T, size_t Capacity, bool kIsSmall = kSmall>
class FixedList {
 public:
  bool full() const { return size() == Capacity; }
  size_t size() const { return room_.size(); }
  bool empty() const { return size() == 0; }
  void clear() { room_.Clear(); }
  // Add may not be called on a full list.
  T& Add(T item) {
    KEYMAST_CHECK(!full());
    return room_.Add(std::move(item));
  }
  const T& operator[](size_t i) const { return view()[i]; }
  std::span<const T> view() const { return {room_.data(), size()}; }
  std::span<T> mutable_view() { return {room_.data(), size()}; }
  const T* begin() const { return room_.data(); }
  const T* end() const { return room_.data() + size(); }

 private:
  FixedRoom<T, Capacity, kIsSmall> room_;
};

}  // namespace keymast
