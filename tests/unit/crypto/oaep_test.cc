// SPDX-License-Identifier: Apache-2.0
#include "crypto/oaep.h"

#include <openssl/rsa.h>

#include <set>

#include "crypto/openssl.h"
#include "crypto/rsa_key.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::crypto {
namespace {

const PublicSuite& Pk() { return *DefaultSuite().pk; }

PkeyContext OpenSslOaep(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*)) {
  PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  EXPECT_EQ(init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()), 1);
  return context;
}

class Oaep : public testing::Test {
 protected:
  Bytes Wrap(ByteView key) {
    Bytes wrapped(public_.modulus_size());
    EXPECT_EQ(Pk().wrap_oaep(public_, key, rng_, wrapped), Result<size_t>(wrapped.size()));
    return wrapped;
  }
  Bytes Encrypt(ByteView block) const {
    Bytes wrapped(block.size());
    EXPECT_TRUE(RawPublic(public_.native(), block, wrapped));
    return wrapped;
  }
  Bytes Unwrap(ByteView wrapped) const {
    const SecretKey<kOaepKey> key = Pk().unwrap_oaep(key_, wrapped);
    EXPECT_EQ(key.size(), kOaepKey);
    return Bytes(key.view().begin(), key.view().end());
  }
  // ExpectSubstitute: a key, the same each time, and none of what the block holds.
  void ExpectSubstitute(ByteView wrapped, ByteView inside = {}) {
    const Bytes key = Unwrap(wrapped);
    EXPECT_EQ(Unwrap(wrapped), key);
    EXPECT_FALSE(Equal(key, inside));
    EXPECT_TRUE(seen_.insert(key).second) << "two ciphertexts, one substitute";
  }
  // Padded is the block of a message with one octet of what is under the masks changed.
  Bytes Padded(size_t size, size_t at = 0, uint8_t change = 0) {
    Bytes block(public_.modulus_size());
    PadOaep(Bytes(size, 7), rng_, block);
    if (change == 0) return block;
    OpenOaep(block, size);  // takes the masks off
    block[at] ^= change;
    PutMasksOn(block);
    return block;
  }
  static void PutMasksOn(MutableBytes block);

  const PrivateKey key_ = TestKey(testdata::kEndKey);
  const PublicKey public_ = key_.PublicPart();
  const Bytes message_ = Bytes(kOaepKey, 7);
  SeededRng rng_{7};
  std::set<Bytes> seen_;
};

// Mgf1 as RFC 8017 §B.2.1 has it.
void XorMgf1(ByteView seed, MutableBytes data) {
  for (uint32_t i = 0; i < data.size(); ++i) {
    Bytes hashed(seed.begin(), seed.end());
    for (const uint32_t octet : {0u, 0u, 0u, i / 32}) hashed.push_back(static_cast<uint8_t>(octet));
    data[i] ^= Sha256(hashed)[i % 32];
  }
}

void Oaep::PutMasksOn(MutableBytes block) {
  XorMgf1(block.subspan(1, 32), block.subspan(33));
  XorMgf1(block.subspan(33), block.subspan(1, 32));
}

TEST_F(Oaep, GivesBackKeys) {
  for (uint8_t first = 0; first < 4; ++first) {
    Bytes key(kOaepKey, first);
    EXPECT_EQ(Unwrap(Wrap(key)), key);
  }
}

TEST_F(Oaep, IsOpenedByOpenSsl) {
  const Bytes wrapped = Wrap(message_);
  const PkeyContext context = OpenSslOaep(key_.native(), EVP_PKEY_decrypt_init);
  Bytes out(256);
  size_t size = out.size();
  ASSERT_EQ(EVP_PKEY_decrypt(context.get(), out.data(), &size, wrapped.data(), wrapped.size()), 1);
  out.resize(size);
  EXPECT_EQ(out, message_);
}

TEST_F(Oaep, OpensWhatOpenSslMakes) {
  const PkeyContext context = OpenSslOaep(public_.native(), EVP_PKEY_encrypt_init);
  Bytes wrapped(256);
  size_t size = wrapped.size();
  ASSERT_EQ(
      EVP_PKEY_encrypt(context.get(), wrapped.data(), &size, message_.data(), message_.size()), 1);
  EXPECT_EQ(Unwrap(wrapped), message_);
}

TEST_F(Oaep, RefusesOtherLengthsToWrap) {
  Bytes out(256);
  for (const size_t size : {0u, 16u, 31u, 33u}) {
    EXPECT_EQ(Pk().wrap_oaep(public_, Bytes(size), rng_, out), Err(Error::kInvalidArgument));
  }
  EXPECT_EQ(Pk().wrap_oaep(public_, message_, rng_, MutableBytes(out).first(255)),
            Err(Error::kTooLong));
}

TEST_F(Oaep, ReplaysFromItsSeed) {
  const Bytes first = Wrap(message_);
  EXPECT_NE(Wrap(message_), first);
  rng_ = SeededRng(7);
  EXPECT_EQ(Wrap(message_), first);
}

TEST_F(Oaep, BadPaddingGivesASubstitute) {
  ASSERT_EQ(Unwrap(Encrypt(Padded(kOaepKey))), message_);
  ExpectSubstitute(Encrypt(Padded(kOaepKey, 0, 1)), message_);  // still below the modulus
  const size_t one = 256 - kOaepKey - 1;
  for (size_t at = 33; at <= one; at += at + 9 < one ? 9 : 1) {  // hash, zeros, the one before it
    ExpectSubstitute(Encrypt(Padded(kOaepKey, at, 0x80)), message_);
    ExpectSubstitute(Encrypt(Padded(kOaepKey, at, 0x01)), message_);
  }
}

TEST_F(Oaep, OtherLengthsGiveASubstitute) {
  for (const size_t size : {0u, 1u, 16u, 31u, 33u, 48u, 190u}) {
    ExpectSubstitute(Encrypt(Padded(size)), message_);
  }
}

TEST_F(Oaep, WhatIsNoCiphertextGivesASubstitute) {
  for (const size_t size : {0u, 1u, 255u, 257u, 1000u}) ExpectSubstitute(Bytes(size, 1));
  ExpectSubstitute(Bytes(256, 0));
  ExpectSubstitute(Bytes(256, 0xff));  // not below the modulus
  Bytes wrapped = Wrap(message_);
  wrapped.push_back(0);
  ExpectSubstitute(wrapped, message_);
  wrapped = Wrap(message_);
  wrapped[100] ^= 1;
  ExpectSubstitute(wrapped, message_);
}

TEST_F(Oaep, SubstitutesAreTheKeysOwnAndThePaddings) {
  const Bytes wrapped = Wrap(message_);
  const SecretKey<kOaepKey> other = Pk().unwrap_oaep(TestKey(testdata::kOtherKey), wrapped);
  EXPECT_FALSE(Equal(other.view(), message_));
  const Bytes bad(256, 1);
  EXPECT_FALSE(Equal(Pk().unwrap(key_, bad).view().first(16), ByteView(Unwrap(bad)).first(16)));
}

}  // namespace
}  // namespace keymast::crypto
