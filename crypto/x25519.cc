// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include "crypto/constant_time.h"
#include "crypto/primitives.h"

namespace keymast::crypto {
namespace {

constexpr size_t kKeySize = 32;

}  // namespace

bool X25519(const SecretKey<32>& private_key, ByteView public_key, SecretKey<32>& shared) {
  KEYMAST_CHECK(private_key.size() == kKeySize);
  shared = {};
  if (public_key.size() != kKeySize) return false;
  auto point = SecretKey<32>::OfSize(kKeySize);
  // libsodium refuses an all-zero result (RFC 7748 §6.1): that is the public key's doing alone.
  if (Declassified(crypto_scalarmult_curve25519(
          point.mutable_view().data(), private_key.view().data(), public_key.data())) != 0) {
    return false;
  }
  shared = point;
  return true;
}

KeyPair MakeKeyPair(Rng& rng) {
  KeyPair pair;
  pair.private_key = SecretKey<32>::OfSize(kKeySize);
  rng.Fill(pair.private_key.mutable_view());
  pair.public_key = PublicKeyOf(pair.private_key);
  return pair;
}

std::array<uint8_t, 32> PublicKeyOf(const SecretKey<32>& private_key) {
  std::array<uint8_t, 32> public_key{};
  KEYMAST_CHECK(private_key.size() == kKeySize);
  crypto_scalarmult_curve25519_base(public_key.data(), private_key.view().data());
  return public_key;
}

}  // namespace keymast::crypto
