// SPDX-License-Identifier: Apache-2.0
#include <openssl/core_names.h>
#include <sodium.h>

#include "crypto/openssl.h"
#include "crypto/public_key.h"
#include "tests/data/ec_keys.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::crypto {
namespace {

// DerOf is what a PEM block holds.
Bytes DerOf(std::string_view pem) {
  Bytes der(pem.size());
  size_t size = 0;
  const size_t begin = pem.find('\n');
  const std::string_view body = pem.substr(begin, pem.find("-----END") - begin);
  EXPECT_EQ(sodium_base642bin(der.data(), der.size(), body.data(), body.size(), "\n", &size,
                              nullptr, sodium_base64_VARIANT_ORIGINAL),
            0);
  der.resize(size);
  return der;
}

Bytes Spki(const PublicKey& key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key.native(), &der);
  Bytes octets(der, std::next(der, size));
  OPENSSL_free(der);
  return octets;
}

Bytes Ed25519Spki(ByteView key) {
  Bytes der = Hex("302a300506032b6570032100");
  der.insert(der.end(), key.begin(), key.end());
  return der;
}

TEST(KeyForms, SayWhatIsReadThen) {
  for (const auto pem : {testdata::kP256Key, testdata::kEd25519Key, testdata::kEndKey}) {
    const PublicKey key = TestKey(pem).PublicPart();
    const Bytes spki = key.ToSpki();
    EXPECT_EQ(PublicKey::FormIn(spki), (KeyForm{key.kind(), key.signature_size()}));
    const auto again = PublicKey::FromSpki(spki);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->ToSpki(), spki);
    for (size_t size = 0; size < spki.size(); ++size) {
      EXPECT_FALSE(PublicKey::FormIn(ByteView(spki).first(size)).has_value());
    }
  }
}

TEST(P256Key, IsReadFromEveryForm) {
  const PrivateKey key = TestKey(testdata::kP256Key);
  EXPECT_EQ(key.kind(), KeyKind::kP256);
  EXPECT_EQ(key.signature_size(), kEcSignature);
  EXPECT_EQ(key.modulus_size(), 0u);
  EXPECT_TRUE(key.ed25519().empty());
  const Bytes spki = Spki(key.PublicPart());
  EXPECT_EQ(Spki(TestKey(testdata::kP256KeySec1).PublicPart()), spki);
  const std::string with_parameters =
      "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" +
      std::string(testdata::kP256KeySec1);
  EXPECT_EQ(Spki(TestKey(with_parameters).PublicPart()), spki);
  const auto part = PublicKey::FromSpki(spki);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->kind(), KeyKind::kP256);
  EXPECT_EQ(Spki(*part), spki);
}

TEST(P256Key, PublicPartHoldsNothingPrivate) {
  const PublicKey part = TestKey(testdata::kP256Key).PublicPart();
  BIGNUM* scalar = nullptr;
  EXPECT_EQ(EVP_PKEY_get_bn_param(part.native(), OSSL_PKEY_PARAM_PRIV_KEY, &scalar), 0);
}

TEST(EcKeys, RefuseEveryPrefixAndTrailingOctets) {
  for (const std::string_view pem :
       {testdata::kP256Key, testdata::kP256KeySec1, testdata::kEd25519Key}) {
    Bytes der = DerOf(pem);
    ASSERT_TRUE(PrivateKey::FromDer(der));
    for (size_t size = 0; size < der.size(); ++size) {
      ASSERT_EQ(PrivateKey::FromDer(ByteView(der).first(size)).error(), Error::kMalformed);
    }
    der.push_back(0);
    EXPECT_EQ(PrivateKey::FromDer(der).error(), Error::kTrailingOctets);
  }
  const Bytes ed25519 = Ed25519Spki(TestKey(testdata::kEd25519Key).PublicPart().ed25519());
  for (Bytes der : {Spki(TestKey(testdata::kP256Key).PublicPart()), ed25519}) {
    ASSERT_TRUE(PublicKey::FromSpki(der));
    for (size_t size = 0; size < der.size(); ++size) {
      ASSERT_EQ(PublicKey::FromSpki(ByteView(der).first(size)).error(), Error::kMalformed);
    }
    der.push_back(0);
    EXPECT_EQ(PublicKey::FromSpki(der).error(), Error::kTrailingOctets);
  }
}

TEST(P256Key, RefusesFlippedBits) {
  for (const std::string_view pem : {testdata::kP256Key, testdata::kP256KeySec1}) {
    const Bytes good = DerOf(pem);
    for (size_t at = 0; at < good.size(); ++at) {
      Bytes other = good;
      other[at] ^= 1;
      // The scalar and the point have to fit. PKCS#8 has a version 1 too (RFC 5958).
      const bool is_version = pem == testdata::kP256Key && at == 5;
      EXPECT_EQ(PrivateKey::FromDer(other).has_value(), is_version) << at;
    }
  }
}

Bytes Sec1(std::string_view scalar, std::string_view behind) {
  Bytes inside = Hex("020101");
  const Bytes number = Hex(scalar);
  inside.insert(inside.end(), {4, static_cast<uint8_t>(number.size())});
  inside.insert(inside.end(), number.begin(), number.end());
  const Bytes rest = Hex(behind);
  inside.insert(inside.end(), rest.begin(), rest.end());
  Bytes der = {0x30, static_cast<uint8_t>(inside.size())};
  der.insert(der.end(), inside.begin(), inside.end());
  return der;
}

constexpr std::string_view kNamed = "a00a06082a8648ce3d030107";
const std::string kOne = std::string(62, '0') + "01";

TEST(P256Key, IsOfItsCurveAndItsRange) {
  EXPECT_TRUE(PrivateKey::FromDer(Sec1(kOne, kNamed)));
  EXPECT_EQ(PrivateKey::FromDer(Sec1(kOne, "")).error(), Error::kUnsupportedAlgorithm);
  EXPECT_EQ(PrivateKey::FromDer(Sec1(kOne, "a00706052b81040022")).error(),
            Error::kUnsupportedAlgorithm)
      << "P-384";
  const std::string order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
  for (const std::string& scalar : {std::string(64, '0'), order, std::string(64, 'f'),
                                    std::string("01"), std::string(66, '0'), std::string()}) {
    EXPECT_EQ(PrivateKey::FromDer(Sec1(scalar, kNamed)).error(), Error::kMalformed) << scalar;
  }
}

TEST(P256Key, PointIsUncompressedAndOnTheCurve) {
  Bytes der = Spki(TestKey(testdata::kP256Key).PublicPart());
  Bytes off = der;
  off.back() ^= 1;
  EXPECT_EQ(PublicKey::FromSpki(off).error(), Error::kMalformed);
  Bytes infinity = Hex("3018301306072a8648ce3d020106082a8648ce3d0301070301");
  infinity.push_back(0);
  EXPECT_EQ(PublicKey::FromSpki(infinity).error(), Error::kMalformed);
  Bytes compressed = der;
  compressed[1] = static_cast<uint8_t>(compressed[1] - 32);
  compressed[24] = 34;
  compressed[26] = static_cast<uint8_t>(2 + (der.back() & 1));
  compressed.resize(compressed.size() - 32);
  EXPECT_EQ(PublicKey::FromSpki(compressed).error(), Error::kUnsupportedAlgorithm);
}

TEST(Ed25519Key, IsReadFromEveryForm) {
  const PrivateKey key = TestKey(testdata::kEd25519Key);
  EXPECT_EQ(key.kind(), KeyKind::kEd25519);
  EXPECT_EQ(key.native(), nullptr);
  const PublicKey part = key.PublicPart();
  EXPECT_EQ(part.kind(), KeyKind::kEd25519);
  EXPECT_EQ(part.signature_size(), kEcSignature);
  ASSERT_EQ(part.ed25519().size(), kEd25519Key);
  const auto by_spki = PublicKey::FromSpki(Ed25519Spki(part.ed25519()));
  const auto by_octets = PublicKey::FromEd25519(part.ed25519());
  ASSERT_TRUE(by_spki && by_octets);
  EXPECT_TRUE(Equal(by_spki->ed25519(), part.ed25519()));
  EXPECT_TRUE(Equal(by_octets->ed25519(), part.ed25519()));
  EXPECT_EQ(PublicKey::FromEd25519(Bytes(31)).error(), Error::kMalformed);
  EXPECT_EQ(PublicKey::FromEd25519(Bytes(33)).error(), Error::kMalformed);
  const SecretKey<32> seed(key.ed25519().first(32));
  EXPECT_TRUE(Equal(PrivateKey::FromEd25519(seed).ed25519(), key.ed25519()));
}

// RFC 8410 §10.3: the form with attributes and the public key behind.
TEST(Ed25519Key, IsReadWithItsPublicKeyBehind) {
  Bytes der = DerOf(testdata::kEd25519Key);
  const Bytes behind = Hex("8121");
  der.insert(der.end(), behind.begin(), behind.end());
  der.resize(der.size() + 33);
  der[1] = static_cast<uint8_t>(der[1] + 35);
  der[4] = 1;
  EXPECT_TRUE(PrivateKey::FromDer(der));
}

TEST(EcKeys, OpenAndCloseNoEnvelopes) {
  const PublicSuite& pk = *DefaultSuite().pk;
  const PrivateKey rsa = TestKey(testdata::kEndKey);
  for (const std::string_view pem : {testdata::kP256Key, testdata::kEd25519Key}) {
    const PrivateKey key = TestKey(pem);
    SeededRng rng(1);
    Bytes out(512);
    EXPECT_EQ(pk.wrap(key.PublicPart(), Bytes(32), rng, out), Err(Error::kUnsupportedAlgorithm));
    EXPECT_EQ(pk.wrap_oaep(key.PublicPart(), Bytes(32), rng, out),
              Err(Error::kUnsupportedAlgorithm));
    for (const size_t size : {0u, 64u, 256u}) {
      const Bytes wrapped(size, 1);
      EXPECT_TRUE(pk.unwrap(key, wrapped) == pk.unwrap(key, wrapped));
      EXPECT_FALSE(pk.unwrap(key, wrapped) == pk.unwrap(rsa, wrapped));
      EXPECT_FALSE(pk.unwrap_oaep(key, wrapped) == pk.unwrap_oaep(rsa, wrapped));
    }
  }
}

}  // namespace
}  // namespace keymast::crypto
