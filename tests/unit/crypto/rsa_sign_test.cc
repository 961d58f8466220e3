// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "crypto/public_key.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::crypto {
namespace {

constexpr SignatureScheme kSchemes[] = {SignatureScheme::kRsaPkcs1Sha1,
                                        SignatureScheme::kRsaPkcs1Sha256,
                                        SignatureScheme::kRsaPssSha256};
const PublicSuite& Pk() { return *DefaultSuite().pk; }

class Signing : public testing::TestWithParam<SignatureScheme> {
 protected:
  Bytes Sign(std::span<const ByteView> parts) const {
    Bytes signature(key_.modulus_size());
    EXPECT_EQ(Pk().sign(key_, GetParam(), parts, signature), Result<size_t>(signature.size()));
    return signature;
  }
  bool Verify(std::span<const ByteView> parts, ByteView signature) const {
    return Pk().verify(public_, GetParam(), parts, signature);
  }
  const PrivateKey key_ = TestKey(testdata::kEndKey);
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
  EXPECT_FALSE(Verify(whole_, ByteView(signature).first(255)));
  signature.insert(signature.begin(), 0);
  EXPECT_FALSE(Verify(whole_, signature));
}

TEST_P(Signing, RefusesOtherKeysAndSchemes) {
  const Bytes signature = Sign(whole_);
  EXPECT_FALSE(
      Pk().verify(TestKey(testdata::kOtherKey).PublicPart(), GetParam(), whole_, signature));
  for (const SignatureScheme scheme : kSchemes) {
    EXPECT_EQ(Pk().verify(public_, scheme, whole_, signature), scheme == GetParam());
  }
}

TEST_P(Signing, SaysWhenThereIsNoRoom) {
  Bytes signature(255);
  EXPECT_EQ(Pk().sign(key_, GetParam(), whole_, signature), Err(Error::kTooLong));
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

INSTANTIATE_TEST_SUITE_P(EachScheme, Signing, testing::ValuesIn(kSchemes));

}  // namespace
}  // namespace keymast::crypto
