// SPDX-License-Identifier: Apache-2.0
// What OpenSSL gives back to the heap is searched for the numbers of a private key.
#include <malloc.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "crypto/openssl.h"
#include "crypto/public_key.h"
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
