// SPDX-License-Identifier: Apache-2.0
// Values <-> octets, each type described once: `Fields(coder, value)` (records/fields.h) names its
// fields in order, and the same line is read by Decoder, written by Encoder and counted by Sizer.
// Integers are big-endian; texts and secrets carry their length in one octet, sequences their count
// in two. Reading is strict: whatever could be written in another way is refused.
#pragma once

#include <map>
#include <optional>
#include <type_traits>

#include "base/cursor.h"
#include "base/endpoint.h"
#include "base/ids.h"
#include "base/time.h"
#include "crypto/secret.h"

namespace keymast::records {

// Ref is how a coder sees a value: to be filled, or to be looked at.
template <class Coder, class T>
using Ref = std::conditional_t<Coder::kReads, T&, const T&>;

// Encoder appends to wiping memory. What is too long for its length field makes `ok` false.
class Encoder {
 public:
  static constexpr bool kReads = false;
  explicit Encoder(crypto::SecretBytes& out) : out_(out) {}

  void Unsigned(uint64_t value, size_t width) {
    for (size_t i = width; i-- > 0;) out_.push_back(static_cast<uint8_t>(value >> (8 * i)));
  }
  void Octets(ByteView octets) { out_.insert(out_.end(), octets.begin(), octets.end()); }
  void Refuse() { ok_ = false; }
  bool ok() const { return ok_; }

 private:
  crypto::SecretBytes& out_;
  bool ok_ = true;
};

// Sizer counts what Encoder would write.
class Sizer {
 public:
  static constexpr bool kReads = false;
  void Unsigned(uint64_t, size_t width) { size_ += width; }
  void Octets(ByteView octets) { size_ += octets.size(); }
  void Refuse() { ok_ = false; }
  bool ok() const { return ok_; }
  size_t size() const { return size_; }

 private:
  size_t size_ = 0;
  bool ok_ = true;
};

// Decoder reads borrowed octets; after a failure `ok` is false and values are unspecified.
class Decoder {
 public:
  static constexpr bool kReads = true;
  explicit Decoder(ByteView octets) : reader_(octets) {}

  uint64_t Unsigned(size_t width) {
    uint64_t value = 0;
    for (const uint8_t octet : reader_.Take(width)) value = value << 8 | octet;
    return value;
  }
  ByteView Take(size_t count) { return reader_.Take(count); }
  void Refuse() { ok_ = false; }
  bool ok() const { return ok_ && reader_.ok(); }
  bool empty() const { return reader_.empty(); }
  size_t remaining() const { return reader_.remaining(); }
  bool Finished() const { return ok() && reader_.empty(); }

 private:
  Reader reader_;
  bool ok_ = true;
};

// --- integers, enumerations, instants

// Identifiers are their value (base/ids.h).
template <class C, class Id>
requires requires(Id& id) { id.value = id.value; } || requires(const Id& id) {
  id.value <=> id.value;
}
void Fields(C& c, Id& id) { Fields(c, id.value); }

template <class C, class Int>
requires std::is_unsigned_v<std::remove_const_t<Int>> &&
    (!std::is_same_v<std::remove_const_t<Int>, bool>)void Fields(C& c, Int& value) {
  if constexpr (C::kReads) {
    value = static_cast<Int>(c.Unsigned(sizeof(Int)));
  } else {
    c.Unsigned(value, sizeof(Int));
  }
}

// Ranged reads and writes an enumeration in its own width; `last` is the highest enumerator, and
// all from `first` on exist.
template <class C, class Enum>
void Ranged(C& c, Enum& value, std::remove_const_t<Enum> first, std::remove_const_t<Enum> last) {
  using Int = std::underlying_type_t<std::remove_const_t<Enum>>;
  if constexpr (C::kReads) {
    const uint64_t number = c.Unsigned(sizeof(Int));
    if (number < static_cast<Int>(first) || number > static_cast<Int>(last)) return c.Refuse();
    value = static_cast<Enum>(number);
  } else {
    c.Unsigned(static_cast<Int>(value), sizeof(Int));
  }
}

template <class C>
void Fields(C& c, Ref<C, bool> value) {
  if constexpr (C::kReads) {
    const uint64_t number = c.Unsigned(1);
    if (number > 1) return c.Refuse();
    value = number == 1;
  } else {
    c.Unsigned(value ? 1 : 0, 1);
  }
}

template <class C>
void Fields(C& c, Ref<C, Duration> value) {
  if constexpr (C::kReads) {
    value = Duration(static_cast<int64_t>(c.Unsigned(8)));
  } else {
    c.Unsigned(static_cast<uint64_t>(value.count()), 8);
  }
}

template <class C>
void Fields(C& c, Ref<C, Instant> value) {
  if constexpr (C::kReads) {
    value = FromUnixNanos(static_cast<int64_t>(c.Unsigned(8)));
  } else {
    c.Unsigned(static_cast<uint64_t>(ToUnixNanos(value)), 8);
  }
}

// --- octets

template <class C>
void Fields(C& c, Ref<C, std::string> value) {
  if constexpr (C::kReads) {
    value = AsText(c.Take(static_cast<size_t>(c.Unsigned(1))));
  } else {
    if (value.size() > UINT8_MAX) return c.Refuse();
    c.Unsigned(value.size(), 1);
    c.Octets(AsBytes(value));
  }
}

template <class C, class Array>
void Fixed(C& c, Array& value) {
  if constexpr (C::kReads) {
    const ByteView octets = c.Take(value.size());
    std::copy(octets.begin(), octets.end(), value.begin());
  } else {
    c.Octets(value);
  }
}

// Every SecretKey of the state has room for 32 octets.
template <class C>
void Fields(C& c, Ref<C, crypto::SecretKey<32>> value) {
  if constexpr (C::kReads) {
    const ByteView octets = c.Take(static_cast<size_t>(c.Unsigned(1)));
    if (octets.size() > 32) return c.Refuse();
    value = crypto::SecretKey<32>(octets);
  } else {
    c.Unsigned(value.size(), 1);
    c.Octets(value.view());
  }
}

// --- composites

template <class C, class... T>
void All(C& c, T&... fields) {
  (Fields(c, fields), ...);
}

// One octet says whether the value is there.
template <class C, class Optional>
void Maybe(C& c, Optional& value) {
  bool there = value.has_value();
  Fields(c, there);
  if constexpr (C::kReads) {
    value.reset();
    if (c.ok() && there) Fields(c, value.emplace());
  } else if (there) {
    Fields(c, *value);
  }
}

// Count reads or writes the number of elements; 0 when it cannot be right.
template <class C>
size_t Count(C& c, size_t count, size_t most) {
  if constexpr (C::kReads) {
    count = static_cast<size_t>(c.Unsigned(2));
    // Every element takes an octet at least: a count is never believed before its elements.
    if (c.ok() && count <= most && count <= c.remaining()) return count;
    c.Refuse();
    return 0;
  } else {
    if (count > most) c.Refuse();
    c.Unsigned(count, 2);
    return count;
  }
}

template <class C, class Container>
void Sequence(C& c, Container& values, size_t most = UINT16_MAX) {
  const size_t count = Count(c, values.size(), most);
  if constexpr (C::kReads) {
    values.clear();
    for (size_t i = 0; i < count && c.ok(); ++i) Fields(c, values.emplace_back());
  } else {
    for (const auto& value : values) Fields(c, value);
  }
}

// Keys of a map are read in strictly rising order only.
template <class C, class Map>
void Mapping(C& c, Map& values, size_t most = UINT16_MAX) {
  const size_t count = Count(c, values.size(), most);
  if constexpr (C::kReads) {
    values.clear();
    for (size_t i = 0; i < count && c.ok(); ++i) {
      std::pair<typename Map::key_type, typename Map::mapped_type> entry;
      All(c, entry.first, entry.second);
      if (!values.empty() && entry.first <= values.rbegin()->first) return c.Refuse();
      values.insert(values.end(), std::move(entry));
    }
  } else {
    for (const auto& [key, value] : values) All(c, key, value);
  }
}

}  // namespace keymast::records
