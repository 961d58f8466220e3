// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include <array>
#include <cstring>

#include "base/check.h"
#include "crypto/primitives.h"
#include "crypto/rng.h"
#include "crypto/secret.h"
#include "crypto/wipe.h"

namespace keymast::crypto {

void Wipe(void* octets, size_t size) { sodium_memzero(octets, size); }

bool ConstantTimeEqual(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  // Of the size of most MACs it has a faster one.
  if (a.size() == crypto_verify_32_BYTES) return crypto_verify_32(a.data(), b.data()) == 0;
  return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

uint64_t ShortHash(ByteView key, ByteView octets) {
  KEYMAST_CHECK(key.size() == crypto_shorthash_KEYBYTES);
  std::array<uint8_t, crypto_shorthash_BYTES> digest{};
  crypto_shorthash(digest.data(), octets.data(), octets.size(), key.data());
  uint64_t value = 0;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

void SystemRng::Fill(MutableBytes out) {
  if (!out.empty()) randombytes_buf(out.data(), out.size());
}

void SeededRng::Fill(MutableBytes out) {
  if (out.empty()) return;
  std::array<uint8_t, crypto_stream_chacha20_KEYBYTES> key{};
  std::array<uint8_t, crypto_stream_chacha20_NONCEBYTES> nonce{};
  std::memcpy(key.data(), &seed_, sizeof seed_);
  std::memcpy(nonce.data(), &position_, sizeof position_);
  crypto_stream_chacha20(out.data(), out.size(), nonce.data(), key.data());
  ++position_;
}

}  // namespace keymast::crypto
