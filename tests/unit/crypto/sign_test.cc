// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "crypto/public_key.h"
#include "tests/data/ec_keys.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::crypto {
namespace {

constexpr SignatureScheme kSchemes[] = {
    SignatureScheme::kRsaPkcs1Sha1, SignatureScheme::kRsaPkcs1Sha256,
    SignatureScheme::kRsaPssSha256, SignatureScheme::kEcdsaP256Sha256, SignatureScheme::kEd25519};
const PublicSuite& Pk() { return *DefaultSuite().pk; }

// The two test keys of a kind.
PrivateKey KeyOf(KeyKind kind) {
  return TestKey(kind == KeyKind::kRsa    ? testdata::kEndKey
                 : kind == KeyKind::kP256 ? testdata::kP256Key
                                          : testdata::kEd25519Key);
}
PrivateKey OtherKeyOf(KeyKind kind) {
  return TestKey(kind == KeyKind::kRsa    ? testdata::kOtherKey
                 : kind == KeyKind::kP256 ? testdata::kOtherP256Key
                                          : testdata::kOtherEd25519Key);
}

class Signing : public testing::TestWithParam<SignatureScheme> {
 protected:
  Bytes Sign(std::span<const ByteView> parts) const {
    Bytes signature(key_.signature_size());
    EXPECT_EQ(Pk().sign(key_, GetParam(), parts, signature), Result<size_t>(signature.size()));
    return signature;
  }
  bool Verify(std::span<const ByteView> parts, ByteView signature) const {
    return Pk().verify(public_, GetParam(), parts, signature);
  }
  const KeyKind kind_ = KindOf(GetParam());
  const PrivateKey key_ = KeyOf(kind_);
  const PublicKey public_ = key_.PublicPart();
  const std::array<ByteView, 3> parts_{AsBytes("one "), ByteView(), AsBytes("message")};
  const std::array<ByteView, 1> whole_{AsBytes("one message")};
};

TEST_P(Signing, OfPartsIsOfTheWhole) {
  EXPECT_TRUE(Verify(whole_, Sign(parts_)));
  EXPECT_TRUE(Verify(parts_, Sign(whole_)));
}

TEST_P(Signing, RefusesAnyAlteredOctet) {
  Bytes signature = Sign(whole_);
  for (uint8_t& octet : signature) {
    octet ^= 1;
    ASSERT_FALSE(Verify(whole_, signature));
    octet ^= 1;
  }
  const std::array<ByteView, 1> other{AsBytes("one messagf")};
  EXPECT_FALSE(Verify(other, signature));
  EXPECT_FALSE(Verify({}, signature));
}

TEST_P(Signing, RefusesOtherLengths) {
  Bytes signature = Sign(whole_);
  EXPECT_FALSE(Verify(whole_, {}));
  EXPECT_FALSE(Verify(whole_, ByteView(signature).first(signature.size() - 1)));
  signature.insert(signature.begin(), 0);
  EXPECT_FALSE(Verify(whole_, signature));
}

TEST_P(Signing, RefusesOtherKeysAndSchemes) {
  const Bytes signature = Sign(whole_);
  EXPECT_FALSE(Pk().verify(OtherKeyOf(kind_).PublicPart(), GetParam(), whole_, signature));
  for (const SignatureScheme scheme : kSchemes) {
    EXPECT_EQ(Pk().verify(public_, scheme, whole_, signature), scheme == GetParam());
  }
}

TEST_P(Signing, SaysWhenThereIsNoRoom) {
  Bytes signature(key_.signature_size() - 1);
  EXPECT_EQ(Pk().sign(key_, GetParam(), whole_, signature), Err(Error::kTooLong));
}

TEST_P(Signing, IsForKeysOfItsKind) {
  const Bytes good = Sign(whole_);
  for (const KeyKind kind : {KeyKind::kRsa, KeyKind::kP256, KeyKind::kEd25519}) {
    const PrivateKey key = KeyOf(kind);
    EXPECT_EQ(key.kind(), kind);
    EXPECT_EQ(key.Takes(GetParam()), kind == kind_);
    EXPECT_EQ(key.PublicPart().Takes(GetParam()), kind == kind_);
    if (kind == kind_) continue;
    Bytes signature(512);
    EXPECT_EQ(Pk().sign(key, GetParam(), whole_, signature), Err(Error::kUnsupportedAlgorithm));
    EXPECT_FALSE(Pk().verify(key.PublicPart(), GetParam(), whole_, good));
  }
}

TEST_P(Signing, WorksInSeveralThreadsOfOneKey) {
  std::array<bool, 3> good{};
  std::vector<std::thread> threads;
  for (bool& one : good) {
    threads.emplace_back([this, &one] { one = Verify(whole_, Sign(parts_)); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, (std::array<bool, 3>{true, true, true}));
}

TEST(EcdsaSigning, RefusesRAndSOutside) {
  const PrivateKey key = KeyOf(KeyKind::kP256);
  const PublicKey part = key.PublicPart();
  const std::array<ByteView, 1> parts{AsBytes("text")};
  Bytes good(kEcSignature);
  ASSERT_TRUE(Pk().sign(key, SignatureScheme::kEcdsaP256Sha256, parts, good));
  const Bytes order = Hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  for (const size_t at : {0u, 32u}) {
    for (const Bytes& half : {Bytes(32), order, Bytes(32, 0xff)}) {
      Bytes other = good;
      std::copy(half.begin(), half.end(), other.begin() + static_cast<std::ptrdiff_t>(at));
      EXPECT_FALSE(Pk().verify(part, SignatureScheme::kEcdsaP256Sha256, parts, other));
    }
  }
}

TEST(EcdsaSigning, KeepsLeadingZeros) {  // one r in 256 begins with a zero octet
  const PrivateKey key = KeyOf(KeyKind::kP256);
  const PublicKey part = key.PublicPart();
  for (int turn = 0; turn < 20000; ++turn) {
    Bytes signature(kEcSignature);
    ASSERT_TRUE(Pk().sign(key, SignatureScheme::kEcdsaP256Sha256, {}, signature));
    if (signature[0] != 0 && signature[32] != 0) continue;
    EXPECT_TRUE(Pk().verify(part, SignatureScheme::kEcdsaP256Sha256, {}, signature));
    return;
  }
  FAIL() << "no leading zero in 20000 signatures";
}

TEST(Ed25519Signing, IsThatOfRfc8032) {  // §7.1, test 2
  const auto key = PrivateKey::FromEd25519(
      SecretKey<32>(Hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")));
  EXPECT_EQ(ToHex(key.PublicPart().ed25519()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const std::array<ByteView, 1> parts{AsBytes("\x72")};
  Bytes signature(kEcSignature);
  ASSERT_TRUE(Pk().sign(key, SignatureScheme::kEd25519, parts, signature));
  EXPECT_EQ(ToHex(signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

INSTANTIATE_TEST_SUITE_P(EachScheme, Signing, testing::ValuesIn(kSchemes));

}  // namespace
}  // namespace keymast::crypto
