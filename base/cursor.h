// SPDX-License-Identifier: Apache-2.0
// Reader and writer primitives: big-endian, bounded, without offset arithmetic at the call site.
// Both keep the first failure and turn every later step into a no-op, so that a chain of reads is
// checked once at its end.
#pragma once

#include <cstring>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"

namespace keymast {

// Reader walks borrowed octets. After a failure `ok()` is false and every read returns zero.
class Reader {
 public:
  explicit Reader(ByteView octets) : rest_(octets), size_(octets.size()) {}

  uint8_t U8() { return static_cast<uint8_t>(Unsigned(1)); }
  uint16_t U16() { return static_cast<uint16_t>(Unsigned(2)); }
  uint32_t U32() { return static_cast<uint32_t>(Unsigned(4)); }
  uint64_t U64() { return Unsigned(8); }

  // Take borrows the next `count` octets; an empty view after a failure.
  ByteView Take(size_t count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      return {};
    }
    const ByteView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  bool ok() const { return ok_; }
  bool empty() const { return rest_.empty(); }
  size_t remaining() const { return rest_.size(); }
  ByteView rest() const { return rest_; }
  size_t position() const { return size_ - rest_.size(); }

  // Finish is kTruncated after a failure, kTrailingOctets when anything is left.
  Status Finish() const {
    if (!ok_) return Err(Error::kTruncated);
    if (!rest_.empty()) return Err(Error::kTrailingOctets);
    return {};
  }

 private:
  uint64_t Unsigned(size_t width) {
    uint64_t value = 0;
    for (const uint8_t octet : Take(width)) value = value << 8 | octet;
    return value;
  }

  ByteView rest_;
  size_t size_;
  bool ok_ = true;
};

// Writer fills a caller's buffer of fixed size. After an overflow `ok()` is false and nothing more
// is written.
class Writer {
 public:
  explicit Writer(MutableBytes buffer) : buffer_(buffer) {}

  void U8(uint64_t value) { Unsigned<1>(value); }
  void U16(uint64_t value) { Unsigned<2>(value); }
  void U32(uint64_t value) { Unsigned<4>(value); }
  void U64(uint64_t value) { Unsigned<8>(value); }

  void Put(ByteView octets) {
    const MutableBytes room = Claim(octets.size());
    if (!room.empty()) std::memcpy(room.data(), octets.data(), octets.size());
  }

  // Claim hands out the next `count` octets of the buffer for the caller to fill.
  MutableBytes Claim(size_t count) {
    if (!ok_ || count > buffer_.size() - used_) {
      ok_ = false;
      return {};
    }
    const MutableBytes room = buffer_.subspan(used_, count);
    used_ += count;
    return room;
  }

  bool ok() const { return ok_; }
  size_t size() const { return used_; }
  ByteView written() const { return buffer_.first(used_); }

 private:
  template <size_t kWidth>
  void Unsigned(uint64_t value) {
    const MutableBytes room = Claim(kWidth);
    if (room.empty()) return;
    for (size_t i = 0; i < kWidth; ++i) {
      room[i] = static_cast<uint8_t>(value >> (8 * (kWidth - 1 - i)));
    }
  }

  MutableBytes buffer_;
  size_t used_ = 0;
  bool ok_ = true;
};

}  // namespace keymast
