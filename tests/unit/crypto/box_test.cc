// SPDX-License-Identifier: Apache-2.0
#include "crypto/boxes.h"
#include "tests/unit/crypto/hex.h"

namespace keymast::crypto {
namespace {

constexpr std::string_view kPurpose = "unit test";

class Box : public testing::Test {
 protected:
  SeededRng rng_{1};
  KeyPair pair_ = MakeKeyPair(rng_);
  const Bytes aad_{9, 8, 7};
  const Bytes plain_{1, 2, 3, 4};
  Bytes Sealed() {
    const auto box = SealBox(pair_.public_key, kPurpose, aad_, plain_, rng_);
    EXPECT_TRUE(box);
    return box.value_or(Bytes());
  }
};

TEST_F(Box, OpensWhatWasSealed) {
  const auto opened = OpenBox(pair_, kPurpose, aad_, Sealed());
  ASSERT_TRUE(opened);
  EXPECT_TRUE(Equal(*opened, plain_));
}

TEST_F(Box, OfNothingOpens) {
  const auto box = SealBox(pair_.public_key, kPurpose, {}, {}, rng_);
  ASSERT_TRUE(box);
  EXPECT_EQ(box->size(), kBoxOverhead);
  const auto opened = OpenBox(pair_, kPurpose, {}, *box);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->empty());
}

TEST_F(Box, TwoOfTheSameTextDiffer) { EXPECT_NE(Sealed(), Sealed()); }

TEST_F(Box, RefusesEveryFlippedBit) {
  const Bytes box = Sealed();
  for (size_t bit = 0; bit < 8 * box.size(); ++bit) {
    Bytes other = box;
    other[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    const auto opened = OpenBox(pair_, kPurpose, aad_, other);
    // X25519 ignores the top bit of a public key, but the box is bound to it as it came.
    ASSERT_FALSE(opened) << bit;
    EXPECT_EQ(opened.error(), Error::kDecryptionFailed) << bit;
  }
}

TEST_F(Box, RefusesEveryPrefix) {
  const Bytes box = Sealed();
  for (size_t size = 0; size < box.size(); ++size) {
    const auto opened = OpenBox(pair_, kPurpose, aad_, ByteView(box).first(size));
    ASSERT_FALSE(opened) << size;
    EXPECT_EQ(opened.error(), size < kBoxOverhead ? Error::kTruncated : Error::kDecryptionFailed);
  }
}

TEST_F(Box, IsBoundToPurposeAadAndRecipient) {
  const Bytes box = Sealed();
  EXPECT_FALSE(OpenBox(pair_, "unit", aad_, box));
  EXPECT_FALSE(OpenBox(pair_, kPurpose, Bytes{9, 8}, box));
  EXPECT_FALSE(OpenBox(MakeKeyPair(rng_), kPurpose, aad_, box));
}

TEST_F(Box, RefusesSmallOrderPublicKeys) {  // RFC 7748 §6.1
  const Bytes zero(32);
  Bytes one(32);
  one[0] = 1;
  const Bytes order8 = Hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
  for (const Bytes& key : {zero, one, order8}) {
    const auto box = SealBox(key, kPurpose, aad_, plain_, rng_);
    ASSERT_FALSE(box);
    EXPECT_EQ(box.error(), Error::kInvalidArgument);
    Bytes forged = Sealed();
    std::copy(key.begin(), key.end(), forged.begin());
    EXPECT_EQ(OpenBox(pair_, kPurpose, aad_, forged).error(), Error::kDecryptionFailed);
  }
}

TEST_F(Box, RefusesAPublicKeyOfAnotherLength) {
  EXPECT_FALSE(SealBox(Bytes(31, 9), kPurpose, aad_, plain_, rng_));
  EXPECT_FALSE(SealBox(Bytes(33, 9), kPurpose, aad_, plain_, rng_));
}

TEST(X25519, BothSidesAgree) {
  SeededRng rng(5);
  const KeyPair alice = MakeKeyPair(rng);
  const KeyPair bob = MakeKeyPair(rng);
  SecretKey<32> a;
  SecretKey<32> b;
  ASSERT_TRUE(X25519(alice.private_key, bob.public_key, a));
  ASSERT_TRUE(X25519(bob.private_key, alice.public_key, b));
  EXPECT_EQ(a, b);
  EXPECT_FALSE(X25519(alice.private_key, Bytes(32), a));
  EXPECT_TRUE(a.empty());
}

TEST(BoxAad, TellsFieldsApart) {
  EXPECT_NE(UserKeyAad(SubscriberId("ab"), "c"), UserKeyAad(SubscriberId("a"), "bc"));
  EXPECT_EQ(ToHex(UserKeyAad(SubscriberId("a"), "bc")), "00016100026263");
  EXPECT_EQ(ToHex(HeadendChallengeAad(HeadendId("he"))), "00026865");
}

TEST(BoxAad, OfTrafficKeysHoldsEveryField) {
  TrafficKeyContext context;
  context.channel = ChannelId("news");
  context.headend = HeadendId("he1");
  context.msk = MskId::FromValue(0x00010002);
  context.mtk = MtkId(3);
  context.switch_at = FromUnixNanos(0x0102030405060708);
  context.epoch = 9;
  const Bytes aad = TrafficKeyAad(context);
  EXPECT_EQ(ToHex(aad), "00046e6577730003686531000100020003010203040506070800000000000000090001");
  for (int field = 0; field < 7; ++field) {
    TrafficKeyContext other = context;
    if (field == 0) other.channel = ChannelId("newt");
    if (field == 1) other.headend = HeadendId("he2");
    if (field == 2) other.msk = MskId::FromValue(0x00010003);
    if (field == 3) other.mtk = MtkId(4);
    if (field == 4) other.switch_at += Duration(1);
    if (field == 5) other.epoch = 10;
    if (field == 6) other.profile = SrtpProfile::kAeadAes128Gcm;
    EXPECT_NE(TrafficKeyAad(other), aad) << field;
  }
}

}  // namespace
}  // namespace keymast::crypto
