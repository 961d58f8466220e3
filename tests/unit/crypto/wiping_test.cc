// SPDX-License-Identifier: Apache-2.0
// What OpenSSL gives back to the heap is searched for the numbers of a private key.
#include <malloc.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "crypto/openssl.h"
#include "crypto/public_key.h"
#include "tests/data/ec_keys.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::crypto {
namespace {

std::vector<Bytes>* wanted = nullptr;
size_t found = 0;

void Search(const void* block) {
  if (wanted == nullptr || block == nullptr) return;
  const ByteView octets(static_cast<const uint8_t*>(block),
                        malloc_usable_size(const_cast<void*>(block)));
  for (const Bytes& run : *wanted) {
    if (std::search(octets.begin(), octets.end(), run.begin(), run.end()) != octets.end()) ++found;
  }
}

void* Allocate(size_t size, const char*, int) { return std::calloc(1, size); }
void Free(void* block, const char*, int) {
  Search(block);
  std::free(block);
}
void* Reallocate(void* block, size_t size, const char* file, int line) {
  void* other = Allocate(size, file, line);
  if (block != nullptr) std::memcpy(other, block, std::min(size, malloc_usable_size(block)));
  Free(block, file, line);
  return other;
}
// OpenSSL takes them only before its first allocation.
const bool installed = CRYPTO_set_mem_functions(Allocate, Reallocate, Free) == 1;

// RunsOf a number: 16 octets of it as DER has them, and as the limbs of a BIGNUM.
void AddRuns(const EVP_PKEY* key, const char* name, std::vector<Bytes>& runs) {
  BIGNUM* number = nullptr;
  ASSERT_EQ(EVP_PKEY_get_bn_param(key, name, &number), 1);
  Bytes octets(static_cast<size_t>(BN_num_bytes(number)));
  BN_bn2bin(number, octets.data());
  BN_clear_free(number);
  Bytes run(octets.begin() + 32, octets.begin() + 48);
  runs.push_back(run);
  std::reverse(run.begin(), run.end());
  runs.push_back(run);
}

// AddRunsOf the number of 32 octets that lies at `at` in a PEM block.
void AddRunsOf(std::string_view pem, size_t at, std::vector<Bytes>& runs) {
  SecretBytes der(pem.size());
  size_t size = 0;
  const size_t begin = pem.find('\n');
  const std::string_view body = pem.substr(begin, pem.find("-----END") - begin);
  ASSERT_EQ(sodium_base642bin(der.data(), der.size(), body.data(), body.size(), "\n", &size,
                              nullptr, sodium_base64_VARIANT_ORIGINAL),
            0);
  const auto middle = der.begin() + static_cast<std::ptrdiff_t>(at + 8);
  Bytes run(middle, middle + 16);
  runs.push_back(run);
  std::reverse(run.begin(), run.end());
  runs.push_back(run);
}

class Wiping : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(installed);
    const PrivateKey key = TestKey(testdata::kEndKey);
    for (const char* name : {OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1,
                             OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1}) {
      AddRuns(key.native(), name, runs_);
    }
    wanted = &runs_;
    found = 0;
  }
  void TearDown() override { wanted = nullptr; }
  std::vector<Bytes> runs_;
};

TEST_F(Wiping, OfAPrivateKeyReadUsedAndReleased) {
  {
    const PrivateKey key = TestKey(testdata::kEndKey);
    Bytes signature(256);
    ASSERT_TRUE(DefaultSuite().pk->sign(key, SignatureScheme::kRsaPkcs1Sha256, {}, signature));
    DefaultSuite().pk->unwrap(key, signature);
    DefaultSuite().pk->unwrap_oaep(key, signature);
    key.PublicPart();
  }
  EXPECT_EQ(found, 0u);
}

TEST_F(Wiping, TheSearchFindsWhatOpenSslReads) {
  const PrivateKey key = TestKey(testdata::kEndKey);
  unsigned char* der = nullptr;
  const int size = i2d_PrivateKey(key.native(), &der);
  ASSERT_GT(size, 0);
  OPENSSL_free(der);
  EXPECT_GT(found, 0u);
}

TEST_F(Wiping, OfEcKeysReadUsedAndReleased) {
  const auto use = [](std::string_view pem, SignatureScheme scheme) {
    const PrivateKey key = TestKey(pem);
    Bytes signature(kEcSignature);
    ASSERT_TRUE(DefaultSuite().pk->sign(key, scheme, {}, signature));
    key.PublicPart();
  };
  // The scalar is behind the 36th octet of PKCS#8, the seed behind the 16th.
  AddRunsOf(testdata::kP256Key, 36, runs_);
  AddRunsOf(testdata::kEd25519Key, 16, runs_);
  use(testdata::kP256Key, SignatureScheme::kEcdsaP256Sha256);
  use(testdata::kP256KeySec1, SignatureScheme::kEcdsaP256Sha256);
  use(testdata::kEd25519Key, SignatureScheme::kEd25519);
  EXPECT_EQ(found, 0u);
}

TEST_F(Wiping, OfAKeyUnderOaepOrWrapped) {
  const PrivateKey key = TestKey(testdata::kEndKey);
  const PublicKey part = key.PublicPart();
  SeededRng rng(1);
  SecretBytes secret(kOaepKey);
  rng.Fill(secret);
  Bytes run(secret.begin() + 8, secret.begin() + 24);
  runs_.push_back(run);
  std::reverse(run.begin(), run.end());
  runs_.push_back(run);
  Bytes wrapped(part.modulus_size());
  ASSERT_TRUE(DefaultSuite().pk->wrap_oaep(part, secret, rng, wrapped));
  EXPECT_TRUE(Equal(DefaultSuite().pk->unwrap_oaep(key, wrapped).view(), secret));
  Bytes under_it(KeyWrapSize(secret.size()));
  SecretBytes back(under_it.size());
  DefaultSuite().key_wrap(secret, secret, under_it);
  EXPECT_TRUE(DefaultSuite().key_unwrap(secret, under_it, back));
  EXPECT_EQ(found, 0u);
}

class WipingDh : public Wiping, public testing::WithParamInterface<DhGroup> {};

TEST_P(WipingDh, OfASecretMadeTwice) {
  const PublicSuite& pk = *DefaultSuite().pk;
  SecretBytes secret(kDhPrivateSize);
  Bytes value(DhPublicSize(GetParam()));
  Bytes shared(DhSharedSize(GetParam()));
  const auto agree = [&] {
    SeededRng rng(1);
    pk.dh_generate(GetParam(), rng, secret, value);
    ASSERT_TRUE(pk.dh_agree(GetParam(), secret, value, shared));
  };
  agree();
  std::vector<ByteView> searched = {shared};
  // OpenSSL leaves a copy of the scalar that it multiplies a point by: see crypto/p256.h.
  if (GetParam() != DhGroup::kSecp256r1) searched.emplace_back(secret);
  for (const ByteView octets : searched) {
    Bytes run(octets.begin() + 8, octets.begin() + 24);
    runs_.push_back(run);
    std::reverse(run.begin(), run.end());
    runs_.push_back(run);
  }
  agree();
  EXPECT_EQ(found, 0u);
}

INSTANTIATE_TEST_SUITE_P(Groups, WipingDh,
                         testing::Values(DhGroup::kModp768, DhGroup::kSecp256r1, DhGroup::kX25519));

}  // namespace
}  // namespace keymast::crypto
