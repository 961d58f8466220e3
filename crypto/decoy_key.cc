// SPDX-License-Identifier: Apache-2.0
#include "crypto/decoy_key.h"

#include <openssl/core_names.h>

#include "crypto/key_maker.h"
#include "crypto/p256.h"
#include "crypto/rsa_key.h"

namespace keymast::crypto {
namespace {

// To verify nothing is asked of a modulus but that it is odd.
PublicKey RsaDecoy(size_t size, Rng& rng) {
  KEYMAST_CHECK(size >= kMinModulusBits / 8 && size <= kMaxModulusSize);
  Bytes modulus(size);
  rng.Fill(modulus);
  modulus.front() |= 0xC0;
  modulus.back() |= 1;
  std::array<Bignum, 2> numbers;
  numbers[0].reset(BN_bin2bn(modulus.data(), static_cast<int>(size), nullptr));
  numbers[1].reset(BN_new());
  KEYMAST_CHECK(numbers[0] != nullptr && numbers[1] != nullptr &&
                BN_set_word(numbers[1].get(), RSA_F4) == 1);
  static constexpr std::array kNames = {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E};
  EVP_PKEY* key = Import(EVP_PKEY_PUBLIC_KEY, kNames, numbers);
  KEYMAST_CHECK(key != nullptr);
  return KeyMaker::Public(KeyKind::kRsa, key);
}

}  // namespace

PublicKey DecoyKey(KeyKind kind, size_t signature_size, Rng& rng) {
  if (kind == KeyKind::kRsa) return RsaDecoy(signature_size, rng);
  KEYMAST_CHECK(signature_size == kEcSignature);
  if (kind == KeyKind::kEd25519) {
    auto seed = SecretKey<kEd25519Key>::OfSize(kEd25519Key);
    rng.Fill(seed.mutable_view());
    return PrivateKey::FromEd25519(seed).PublicPart();
  }
  auto scalar = SecretKey<kP256Scalar>::OfSize(kP256Scalar);
  P256Draw(rng, scalar.mutable_view());
  std::array<uint8_t, kP256Point> point{};
  KEYMAST_CHECK(P256Public(scalar.view(), point));
  return *ReadP256Public(point);
}

}  // namespace keymast::crypto
