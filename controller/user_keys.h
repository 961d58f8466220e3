// SPDX-License-Identifier: Apache-2.0
// Which user keys are taken. No two subscribers may have one: COUNTERs of MSK messages are kept by
// subscriber, and a key must not see one twice (RFC 3830 §4.2.3).
#pragma once

#include <unordered_set>

#include "crypto/primitives.h"

namespace keymast::controller {

// UserKeys remembers keyed digests, not keys. Among a million keys a new one is taken for another
// one with a chance of 2^-44.
class UserKeys {
 public:
  using Digest = uint64_t;

  explicit UserKeys(crypto::Rng& rng) { rng.Fill(salt_.mutable_view()); }

  Digest DigestOf(ByteView user_key) const { return crypto::ShortHash(salt_.view(), user_key); }
  bool Has(Digest digest) const { return taken_.contains(digest); }
  // An empty one is none: any number of subscribers may have that.
  void Add(ByteView user_key) {
    if (!user_key.empty()) taken_.insert(DigestOf(user_key));
  }
  void Remove(ByteView user_key) { taken_.erase(DigestOf(user_key)); }
  // Clear forgets all, with room for `count`.
  void Clear(size_t count) {
    taken_.clear();
    taken_.reserve(count);
  }

 private:
  crypto::SecretKey<16> salt_ = crypto::SecretKey<16>::OfSize(16);
  std::unordered_set<Digest> taken_;
};

}  // namespace keymast::controller
