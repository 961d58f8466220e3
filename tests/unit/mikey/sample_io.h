// SPDX-License-Identifier: Apache-2.0
// SampleIo runs a payload's description to fill its fields: registered numbers, now and then any
// number, octets of any length. With it a test needs no list of payloads of its own.
#pragma once

#include <deque>
#include <random>

#include "mikey/key_payloads.h"

namespace keymast::mikey {

class SampleIo {
 public:
  // Octets live as long as `arena`.
  SampleIo(std::mt19937_64& random, std::deque<Bytes>& arena) : random_(random), arena_(arena) {}

  template <class T>
  void U8(const char*, T& field) {
    field = static_cast<T>(Code<T>(0xff));
  }
  template <class T>
  void U16(const char*, T& field) {
    field = static_cast<T>(Below(0x10000));
  }
  template <class T>
  void U32(const char*, T& field) {
    field = static_cast<T>(random_());
  }
  template <class High, class Low>
  void Split8(const char*, High& high, int bits, const char*, Low& low) {
    high = static_cast<High>(Code<High>((1u << bits) - 1));
    low = static_cast<Low>(Code<Low>((1u << (8 - bits)) - 1));
  }
  template <class High>
  void SplitSized16(const char*, High& high, int bits, const char*, ByteView& field) {
    high = static_cast<High>(Code<High>((1u << bits) - 1));
    field = Some(Below(300));
  }
  void Octets(const char*, ByteView& field, size_t length) { field = Some(length); }
  void Sized8(const char*, ByteView& field) { field = Some(Below(40)); }
  void Sized16(const char* name, ByteView& field) {
    const std::string_view which(name);
    if (which == "params")
      field = SomeParams();
    else if (which == "tlvs")
      field = SomeTlvs();
    else if (which == "zeros")
      field = arena_.emplace_back(Below(300));
    else
      field = Some(Below(300));
  }
  void Rest(const char*, ByteView& field) { field = Some(Below(40)); }
  void Refuse(Error) { ok_ = false; }
  void Require(bool valid, Error) { ok_ = ok_ && valid; }
  // False when the values drawn do not make a valid payload: draw again.
  bool ok() const { return ok_; }

 private:
  size_t Below(size_t limit) { return random_() % limit; }

  template <class T>
  uint64_t Code(uint64_t mask) {
    constexpr auto registry = CodePointsOf<T>();
    if (registry.empty() || Below(8) == 0) return random_() & mask;
    return registry[Below(registry.size())].value & mask;
  }

  ByteView Some(size_t length) {
    Bytes& octets = arena_.emplace_back(length);
    for (uint8_t& octet : octets) octet = static_cast<uint8_t>(random_());
    return octets;
  }

  ByteView SomeParams() {
    Bytes& octets = arena_.emplace_back();
    for (size_t count = Below(6); count > 0; --count) {
      const ByteView value = Some(Below(5));
      octets.push_back(static_cast<uint8_t>(Below(24)));
      octets.push_back(static_cast<uint8_t>(value.size()));
      octets.insert(octets.end(), value.begin(), value.end());
    }
    return octets;
  }

  ByteView SomeTlvs() {
    Bytes& octets = arena_.emplace_back();
    for (size_t type = Below(4); type < 20; type += 1 + Below(9)) {
      const ByteView value = Some(Below(20));
      octets.push_back(static_cast<uint8_t>(type));
      octets.push_back(0);
      octets.push_back(static_cast<uint8_t>(value.size()));
      octets.insert(octets.end(), value.begin(), value.end());
    }
    return octets;
  }

  std::mt19937_64& random_;
  std::deque<Bytes>& arena_;
  bool ok_ = true;
};

// Sample draws values until they make a valid payload.
template <class P>
P Sample(std::mt19937_64& random, std::deque<Bytes>& arena) {
  while (true) {
    P payload;
    SampleIo io(random, arena);
    P::Describe(io, payload);
    if (io.ok()) return payload;
  }
}

// SampleKey draws key data of version 1.
inline KeyDataPayload SampleKey(std::mt19937_64& random, std::deque<Bytes>& arena) {
  while (true) {
    const auto key = Sample<KeyDataPayload>(random, arena);
    if (key.type <= KeyDataType::kKpr) return key;
  }
}

}  // namespace keymast::mikey
