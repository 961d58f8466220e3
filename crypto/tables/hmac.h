// SPDX-License-Identifier: Apache-2.0
// HMAC (RFC 2104) for a table of the receiver core, by a hash of the libraries.
#pragma once

#include <openssl/crypto.h>

#include <array>

#include "base/check.h"
#include "include/keymast/receiver.h"

namespace keymast::crypto::tables {

inline constexpr size_t kBlock = 64;  // octets, of SHA-1 and SHA-256

// Hash has kSize, Add(octets, size) and Finish(out).
template <class Hash>
void HashParts(Hash& hash, const keymast_octets* parts, size_t count, uint8_t* out) {
  for (size_t i = 0; i < count; ++i) hash.Add(parts[i].data, parts[i].size);
  hash.Finish(out);
}

template <class Hash>
void Hmac(keymast_octets key, const keymast_octets* parts, size_t count, uint8_t* out) {
  KEYMAST_CHECK(key.size <= kBlock);
  std::array<uint8_t, kBlock> pad{};
  const auto begin = [&](Hash& hash, uint8_t with) {
    for (size_t i = 0; i < kBlock; ++i) {
      pad[i] = static_cast<uint8_t>((i < key.size ? key.data[i] : 0) ^ with);
    }
    hash.Add(pad.data(), kBlock);
  };
  Hash inner;
  begin(inner, 0x36);
  std::array<uint8_t, Hash::kSize> digest{};
  HashParts(inner, parts, count, digest.data());
  Hash outer;
  begin(outer, 0x5c);
  outer.Add(digest.data(), digest.size());
  outer.Finish(out);
  OPENSSL_cleanse(pad.data(), pad.size());
  OPENSSL_cleanse(digest.data(), digest.size());
}

}  // namespace keymast::crypto::tables
