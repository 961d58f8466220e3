// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include "crypto/primitives.h"
#include "tests/unit/crypto/hex.h"

namespace keymast::crypto {
namespace {

const Bytes kKey = Hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

Bytes Wrap(const Bytes& plain) {
  Bytes wrapped(KeyWrapSize(plain.size()));
  DefaultSuite().key_wrap(kKey, plain, wrapped);
  return wrapped;
}

// Unwrap checks what is left in the buffer either way.
Result<Bytes> Unwrap(const Bytes& wrapped, const Bytes& key = kKey) {
  Bytes out(wrapped.size() + 3, 0xee);
  const Result<size_t> size = DefaultSuite().key_unwrap(key, wrapped, out);
  for (size_t i = size.value_or(0); i < out.size(); ++i) EXPECT_EQ(out[i], 0) << i;
  if (!size) return Err(size.error());
  out.resize(*size);
  return out;
}

Bytes Sample(size_t size) {
  Bytes plain(size);
  for (size_t i = 0; i < size; ++i) plain[i] = static_cast<uint8_t>(3 * i);
  return plain;
}

// OpenSSL's is another program of the same standard.
Bytes OpenSslWrap(const Bytes& plain) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  EXPECT_EQ(EVP_EncryptInit_ex(context, EVP_aes_256_wrap_pad(), nullptr, kKey.data(), nullptr), 1);
  Bytes out(plain.size() + 16);
  int size = 0;
  EXPECT_EQ(
      EVP_EncryptUpdate(context, out.data(), &size, plain.data(), static_cast<int>(plain.size())),
      1);
  EVP_CIPHER_CTX_free(context);
  out.resize(static_cast<size_t>(size));
  return out;
}

TEST(KeyWrap, IsThatOfOpenSsl) {
  for (const size_t size : {1u, 7u, 8u, 9u, 16u, 20u, 32u, 33u, 255u, 2048u}) {
    EXPECT_EQ(Wrap(Sample(size)), OpenSslWrap(Sample(size))) << size;
  }
}

TEST(KeyWrap, IsUndone) {
  for (size_t size = 1; size <= 100; ++size) EXPECT_EQ(Unwrap(Wrap(Sample(size))), Sample(size));
  EXPECT_EQ(Unwrap(Wrap(Sample(kMaxKeyWrap))), Sample(kMaxKeyWrap));
}

TEST(KeyWrap, RefusesAnyAlteredOctet) {
  for (const size_t size : {5u, 20u, 32u}) {
    Bytes wrapped = Wrap(Sample(size));
    for (uint8_t& octet : wrapped) {
      octet ^= 0x10;
      EXPECT_EQ(Unwrap(wrapped), Err(Error::kDecryptionFailed));
      octet ^= 0x10;
    }
    Bytes other = kKey;
    other[31] ^= 1;
    EXPECT_EQ(Unwrap(wrapped, other), Err(Error::kDecryptionFailed));
  }
}

TEST(KeyWrap, RefusesOtherLengths) {
  const Bytes good = Wrap(Sample(32));
  for (size_t size = 0; size < good.size(); ++size) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(Unwrap(cut), Err(Error::kDecryptionFailed)) << size;
  }
  EXPECT_EQ(Unwrap(Bytes(KeyWrapSize(kMaxKeyWrap) + 8)), Err(Error::kDecryptionFailed));
}

TEST(KeyWrapDeathTest, RefusesSizesOutsideItsContract) {
  Bytes out(16);
  EXPECT_DEATH(DefaultSuite().key_wrap(kKey, {}, out), "empty");
  EXPECT_DEATH(DefaultSuite().key_wrap(Bytes(16), Bytes(8), out), "key.size");
  EXPECT_DEATH((void)DefaultSuite().key_unwrap(kKey, Bytes(24), out), "out.size");
}

}  // namespace
}  // namespace keymast::crypto
