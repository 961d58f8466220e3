// SPDX-License-Identifier: Apache-2.0
// Token buckets of many, in a place of fixed size: whoever comes under ever new names takes the
// place of others, and no memory.
#pragma once

#include <vector>

#include "base/rate.h"
#include "crypto/primitives.h"
#include "crypto/rng.h"

namespace keymast::controller {

// InstantTable keeps an instant for each of many names. A new name takes the place, among a few, of
// the one whose instant is the earliest.
class InstantTable {
 public:
  static constexpr size_t kPlaces = size_t{1} << 16;

  // `rng` draws the key of the table, which others fill.
  explicit InstantTable(crypto::Rng& rng) { rng.Fill(key_); }

  // Null: not there.
  const Instant* Find(ByteView name) const;
  // At is good until the next call.
  Instant& At(ByteView name);

 private:
  static constexpr size_t kWays = 8;
  struct Place {
    uint64_t name = 0;  // hashed; 0: free
    Instant instant{};
  };
  uint64_t HashOf(ByteView name) const;

  std::array<uint8_t, 16> key_{};
  std::vector<Place> places_;  // none before the first name
};

// Rates has a bucket for each name.
class Rates {
 public:
  Rates(const Rate& rate, crypto::Rng& rng) : rate_(rate), table_(rng) {}

  // Allows says what Take would.
  bool Allows(ByteView name, Instant now) const;
  // Take is false, and counts nothing, when the bucket of `name` is full.
  bool Take(ByteView name, Instant now);

 private:
  Rate rate_;
  InstantTable table_;
};

}  // namespace keymast::controller
