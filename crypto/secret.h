// SPDX-License-Identifier: Apache-2.0
// Homes of key material: wiped when released, compared in constant time, never printable.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/wipe.h"

namespace keymast::crypto {

// WipingAllocator clears memory before it returns to the heap. Wiping in a destructor instead
// leaves the key behind whenever a vector grows, shrinks or is assigned over.
template <class T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>&) {}
  T* allocate(size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, size_t count) {
    Wipe(memory, count * sizeof(T));
    std::allocator<T>().deallocate(memory, count);
  }
  friend bool operator==(const WipingAllocator&, const WipingAllocator&) { return true; }
};

// SecretBytes holds secret octets of any length.
using SecretBytes = std::vector<uint8_t, WipingAllocator<uint8_t>>;

// ConstantTimeEqual takes the same time wherever the octets differ; lengths are public.
bool ConstantTimeEqual(ByteView a, ByteView b);

// SecretKey holds a key of at most Capacity octets inside itself: no heap. The length is public.
template <size_t Capacity>
class SecretKey {
 public:
  SecretKey() = default;
  explicit SecretKey(ByteView octets) : size_(static_cast<Size>(octets.size())) {
    KEYMAST_CHECK(octets.size() <= Capacity);
    std::copy(octets.begin(), octets.end(), octets_.begin());
  }
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey() { Wipe(octets_.data(), size_); }  // behind it there are zeros alone

  // OfSize returns a key of `size` zero octets for the caller to fill through `mutable_view`.
  static SecretKey OfSize(size_t size) {
    KEYMAST_CHECK(size <= Capacity);
    SecretKey key;
    key.size_ = static_cast<Size>(size);
    return key;
  }

  // The views live as long as this key.
  ByteView view() const { return {octets_.data(), size_}; }
  MutableBytes mutable_view() { return {octets_.data(), size_}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  friend bool operator==(const SecretKey& a, const SecretKey& b) {
    return ConstantTimeEqual(a.view(), b.view());
  }

 private:
  static_assert(Capacity <= 0xffff);
  using Size = std::conditional_t<(Capacity > 0xff), uint16_t, uint8_t>;
  std::array<uint8_t, Capacity> octets_{};
  Size size_ = 0;
};

// SecretScratch is a place for secret octets on their way, where clearing all of it twice would
// cost more than what is done with them: it begins as it is found, and only what was used is wiped.
template <size_t Capacity>
class SecretScratch {
 public:
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): octets are written before they are read
  SecretScratch() {}
  SecretScratch(const SecretScratch&) = delete;
  SecretScratch& operator=(const SecretScratch&) = delete;
  ~SecretScratch() { Wipe(octets_.data(), used_); }

  // Room is all of it, to be written from the front; Keep then says how much was, and returns that.
  MutableBytes Room() {
    Wipe(octets_.data(), used_);
    used_ = Capacity;
    return octets_;
  }
  MutableBytes Keep(size_t size) {
    KEYMAST_CHECK(size <= Capacity);
    used_ = size;
    return MutableBytes(octets_).first(size);
  }
  ByteView view() const { return ByteView(octets_).first(used_); }

 private:
  std::array<uint8_t, Capacity> octets_;
  size_t used_ = 0;
};

using Key32 = SecretKey<32>;   // a user key, MSK, TGK or MIKEY transport key: 16..32 octets
using Salt14 = SecretKey<14>;  // an SRTP master salt: 12 or 14 octets

}  // namespace keymast::crypto
