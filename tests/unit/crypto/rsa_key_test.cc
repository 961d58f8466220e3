// SPDX-License-Identifier: Apache-2.0
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <ostream>

#include "crypto/openssl.h"
#include "crypto/public_key.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::crypto {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
static_assert(!Printable<PrivateKey>);
static_assert(!std::is_copy_constructible_v<PrivateKey>);
static_assert(std::is_nothrow_move_constructible_v<PrivateKey>);

Bytes Spki(const EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  Bytes octets(der, std::next(der, size));
  OPENSSL_free(der);
  return octets;
}

// Pkcs1 and Pkcs8 of a key, as OpenSSL writes them.
Bytes Pkcs1(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PrivateKey(key, &der);
  Bytes octets(der, std::next(der, size));
  OPENSSL_free(der);
  return octets;
}

Bytes Pkcs8(EVP_PKEY* key) {
  PKCS8_PRIV_KEY_INFO* info = EVP_PKEY2PKCS8(key);
  unsigned char* der = nullptr;
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
  Bytes octets(der, std::next(der, size));
  OPENSSL_free(der);
  PKCS8_PRIV_KEY_INFO_free(info);
  return octets;
}

std::string Pem(EVP_PKEY* key, bool traditional, const EVP_CIPHER* cipher = nullptr) {
  BIO* out = BIO_new(BIO_s_mem());
  unsigned char word[] = "word";
  const int ok =
      traditional
          ? PEM_write_bio_PrivateKey_traditional(out, key, cipher, word, 4, nullptr, nullptr)
          : PEM_write_bio_PKCS8PrivateKey(out, key, cipher, "word", 4, nullptr, nullptr);
  EXPECT_EQ(ok, 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  std::string pem(text, static_cast<size_t>(size));
  BIO_free(out);
  return pem;
}

std::shared_ptr<EVP_PKEY> Generated(size_t bits) {
  return {EVP_RSA_gen(static_cast<unsigned>(bits)), EVP_PKEY_free};
}

TEST(PrivateKey, IsReadFromEveryForm) {
  const PrivateKey key = TestKey(testdata::kEndKey);
  const Bytes spki = Spki(key.native());
  EXPECT_EQ(key.modulus_size(), 256u);
  for (const Bytes& der : {Pkcs1(key.native()), Pkcs8(key.native())}) {
    const auto read = PrivateKey::FromDer(der);
    ASSERT_TRUE(read);
    EXPECT_EQ(Spki(read->native()), spki);
    EXPECT_TRUE(Equal(read->rejection_secret(), key.rejection_secret()));
  }
  for (const bool traditional : {true, false}) {
    const std::string pem = "a line before\n" + Pem(key.native(), traditional) + "one after\n";
    const auto read = PrivateKey::FromPem(AsBytes(pem));
    ASSERT_TRUE(read) << ErrorName(read.error());
    EXPECT_EQ(Spki(read->native()), spki);
  }
}

TEST(PrivateKey, TakesSizesUpTo4096) {
  const auto small = Generated(1024);
  EXPECT_EQ(PrivateKey::FromDer(Pkcs1(small.get())).error(), Error::kUnsupportedAlgorithm);
  EXPECT_EQ(PublicKey::FromSpki(Spki(small.get())).error(), Error::kUnsupportedAlgorithm);
  const auto middle = Generated(3072);
  const auto read = PrivateKey::FromDer(Pkcs8(middle.get()));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->modulus_size(), 384u);
  EXPECT_EQ(read->PublicPart().modulus_size(), 384u);
}

TEST(PrivateKey, RefusesOtherAlgorithmsAndPassphrases) {
  for (EVP_PKEY* other : {EVP_EC_gen("P-384"), EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448"),
                          EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519")}) {
    const std::shared_ptr<EVP_PKEY> owner(other, EVP_PKEY_free);
    EXPECT_EQ(PrivateKey::FromDer(Pkcs8(other)).error(), Error::kUnsupportedAlgorithm);
    EXPECT_EQ(PublicKey::FromSpki(Spki(other)).error(), Error::kUnsupportedAlgorithm);
  }
  const PrivateKey key = TestKey(testdata::kEndKey);
  for (const bool traditional : {true, false}) {
    const std::string pem = Pem(key.native(), traditional, EVP_aes_128_cbc());
    EXPECT_EQ(PrivateKey::FromPem(AsBytes(pem)).error(), Error::kUnsupportedAlgorithm);
  }
}

TEST(PrivateKey, RefusesWhatIsNoPem) {
  for (const std::string_view text :
       {"", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"}) {
    EXPECT_EQ(PrivateKey::FromPem(AsBytes(text)).error(), Error::kMalformed) << text;
  }
  const Bytes large(1 << 20, 'a');
  EXPECT_EQ(PrivateKey::FromPem(large).error(), Error::kTooLong);
  EXPECT_EQ(PrivateKey::FromDer(large).error(), Error::kTooLong);
}

TEST(PrivateKey, RefusesEveryPrefixAndTrailingOctets) {
  const PrivateKey key = TestKey(testdata::kEndKey);
  for (Bytes der : {Pkcs1(key.native()), Pkcs8(key.native())}) {
    for (size_t size = 0; size < der.size(); ++size) {
      ASSERT_EQ(PrivateKey::FromDer(ByteView(der).first(size)).error(), Error::kMalformed);
    }
    der.push_back(0);
    EXPECT_EQ(PrivateKey::FromDer(der).error(), Error::kTrailingOctets);
  }
}

// Each number of the key is changed in its last octet: nothing of the key would work as it should.
TEST(PrivateKey, RefusesPartsThatDoNotBelongTogether) {
  const PrivateKey key = TestKey(testdata::kEndKey);
  const Bytes der = Pkcs1(key.native());
  size_t changed = 0;
  for (size_t at = 7; at < der.size();) {  // behind SEQUENCE and version
    const size_t head = der[at + 1] == 0x82 ? 4u : der[at + 1] == 0x81 ? 3u : 2u;
    const size_t length = head == 4   ? size_t{der[at + 2]} * 256 + der[at + 3]
                          : head == 3 ? der[at + 2]
                                      : der[at + 1];
    at += head + length;
    Bytes other = der;
    other[at - 1] ^= 2;
    EXPECT_FALSE(PrivateKey::FromDer(other)) << changed;
    ++changed;
  }
  EXPECT_EQ(changed, 8u);
}

TEST(PrivateKey, MovesItsKey) {
  PrivateKey key = TestKey(testdata::kEndKey);
  const PrivateKey moved = std::move(key);
  EXPECT_EQ(moved.modulus_size(), 256u);
}

TEST(PublicKey, IsReadFromSpki) {
  const PrivateKey key = TestKey(testdata::kEndKey);
  Bytes der = Spki(key.native());
  const auto read = PublicKey::FromSpki(der);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->modulus_size(), 256u);
  EXPECT_EQ(Spki(read->native()), der);
  for (size_t size = 0; size < der.size(); ++size) {
    ASSERT_EQ(PublicKey::FromSpki(ByteView(der).first(size)).error(), Error::kMalformed);
  }
  der.push_back(0);
  EXPECT_EQ(PublicKey::FromSpki(der).error(), Error::kTrailingOctets);
  EXPECT_EQ(PublicKey::FromSpki(Bytes(2000)).error(), Error::kTooLong);
}

TEST(PublicKey, RefusesExponentsThatDoNotFit) {
  const PrivateKey key = TestKey(testdata::kEndKey);
  Bytes der = Spki(key.native());
  der.back() = 0;  // 65537 becomes even
  EXPECT_EQ(PublicKey::FromSpki(der).error(), Error::kUnsupportedAlgorithm);
}

TEST(PublicKey, RefusesLengthsOfBer) {
  const PrivateKey key = TestKey(testdata::kEndKey);
  Bytes der = Spki(key.native());
  ASSERT_EQ(der[4], 0x30);  // the algorithm, of 13 octets
  der[3] = static_cast<uint8_t>(der[3] + 1);
  der[5] = 0x81;
  der.insert(der.begin() + 6, 13);
  EXPECT_EQ(PublicKey::FromSpki(der).error(), Error::kMalformed);
}

TEST(PublicPart, HoldsNothingPrivate) {
  const PublicKey part = TestKey(testdata::kEndKey).PublicPart();
  BIGNUM* d = nullptr;
  EXPECT_EQ(EVP_PKEY_get_bn_param(part.native(), OSSL_PKEY_PARAM_RSA_D, &d), 0);
}

}  // namespace
}  // namespace keymast::crypto
