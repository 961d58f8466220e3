// SPDX-License-Identifier: Apache-2.0
// Derivation and coverage of version 2 against values that Python's hmac and hashlib computed from
// the text of MIKEYv2 §4.
#include <gtest/gtest.h>

#include <numeric>

#include "mikey/v2/protection.h"

namespace keymast::mikey::v2 {
namespace {

const crypto::Suite& kSuite = crypto::DefaultSuite();
const Identity kMember{IdType::kNai, AsBytes("member@example.org")};
const Identity kGroup{IdType::kUri, AsBytes("mikey://example.org/tv")};

Bytes From(uint8_t first, size_t count) {
  Bytes octets(count);
  std::iota(octets.begin(), octets.end(), first);
  return octets;
}

class KeysOfVersion2 : public testing::Test {
 protected:
  const Bytes psk_ = From(0, 16);
  const Bytes z_ = From(32, 32);
  const Bytes rand_i_ = From(100, 32);
  const Bytes rand_r_ = From(200, 16);
  const Digest th_ = HashOf(kSuite, AsBytes("cap"));
  const Digest ah_ = HashOf(kSuite, AsBytes("answer"));
  const crypto::Key32 psk_v2_ = PskV2(kSuite, psk_, kMember, kGroup);

  Protection Finish() const {
    Protection finish;
    finish.inkey = psk_v2_.view();
    finish.csb_id = CsbId(0x11223344);
    finish.type = DataType::kPskFin;
    finish.rand_i = rand_i_;
    finish.rand_r = rand_r_;
    finish.context = FinishHash(kSuite, th_, ah_);
    finish.first = th_;
    finish.second = ah_;
    return finish;
  }
};

TEST_F(KeysOfVersion2, FollowFromPreSharedKeys) {
  EXPECT_EQ(ToHex(psk_v2_.view()),
            "c1dcc7054a875ae0d21a06c41a897992a12d55659951ae98ec0715c1725beb32");
  EXPECT_EQ(ToHex(MixedSecret(kSuite, psk_v2_.view(), z_, th_).view()),
            "41db1227a42df5f5c377feb054a63439fbfcd0d9e785ecdb8272192408e9c281");
  EXPECT_EQ(ToHex(ReportKey(kSuite, psk_v2_.view()).view()),
            "5c89e3a5225e3eaf01a1b254cb596e5538aa25bf5635fc53f73fadbc69265d3a");
}

TEST_F(KeysOfVersion2, FollowFromExchangesThatWere) {
  const crypto::Key32 secret = ResumptionSecret(kSuite, z_, th_, ah_);
  EXPECT_EQ(ToHex(secret.view()),
            "12664fc960ec2363cbc3ea456ced25a04ee7dc8f50e0543bb4a85d66f0f92eb5");
  EXPECT_EQ(ToHex(ResumedPsk(kSuite, secret.view(), kMember, kGroup).view()),
            "82d920c2d2f40eceeba50bbfe6daf488a74be149789f6749eb4fe908dd42e025");
  EXPECT_NE(ResumedPsk(kSuite, secret.view(), kGroup, kMember),
            ResumedPsk(kSuite, secret.view(), kMember, kGroup));
}

TEST_F(KeysOfVersion2, TellIdentitiesApart) {
  const Identity same_octets{IdType::kByteString, kMember.data};
  EXPECT_NE(PskV2(kSuite, psk_, same_octets, kGroup), psk_v2_);
  // The border between the two is covered.
  const Identity longer{IdType::kNai, AsBytes("ab")};
  const Identity shorter{IdType::kNai, AsBytes("a")};
  EXPECT_NE(PskV2(kSuite, psk_, longer, {IdType::kNai, AsBytes("c")}),
            PskV2(kSuite, psk_, shorter, {IdType::kNai, AsBytes("bc")}));
}

TEST_F(KeysOfVersion2, CloseAMessage) {
  std::array<uint8_t, 32> mac{};
  ComputeMac(kSuite, Finish(), AsBytes("the head of a message"), mac);
  EXPECT_EQ(ToHex(mac), "5a574a8d80c8a9eba9dac1edb9325086afc1dc84a010537f55d8a58938f9988b");
  Protection old = Finish();
  old.prf = PrfFunc::kMikey1;
  old.mac = MacAlg::kHmacSha1_160;
  std::array<uint8_t, 20> short_mac{};
  ComputeMac(kSuite, old, AsBytes("the head of a message"), short_mac);
  EXPECT_EQ(ToHex(short_mac), "f8c7c1b4adb7928ce8336be5a96f019798795bc5");
}

TEST_F(KeysOfVersion2, HideWhatIsInAMessage) {
  Protection finish = Finish();
  finish.t = 5;
  const ByteView plain = AsBytes("0123456789abcdef0123");
  Bytes data(plain.size());
  Encrypt(kSuite, finish, plain, data);
  EXPECT_EQ(ToHex(data), "d45da81e53d5b5dfa3b7009b2c536a06651e490d");
  Bytes again(data.size());
  EXPECT_EQ(Decrypt(kSuite, finish, data, again), plain.size());
  EXPECT_TRUE(Equal(again, plain));
  Encrypt(kSuite, finish, {}, {});
  EXPECT_EQ(Decrypt(kSuite, finish, {}, {}), 0u);
}

TEST_F(KeysOfVersion2, WrapWhatIsInAMessage) {
  Protection finish = Finish();
  finish.encr = EncrAlg::kAesKwp256;
  const ByteView plain = AsBytes("0123456789abcdef0123");
  Bytes data(EncryptedSize(finish.encr, plain.size()));
  EXPECT_EQ(data.size(), 32u);
  Encrypt(kSuite, finish, plain, data);
  Bytes again(data.size());
  EXPECT_EQ(Decrypt(kSuite, finish, data, again), plain.size());
  EXPECT_TRUE(Equal(ByteView(again).first(plain.size()), plain));
  data[3] ^= 1;
  EXPECT_FALSE(Decrypt(kSuite, finish, data, again));
  Encrypt(kSuite, finish, {}, {});
  EXPECT_EQ(Decrypt(kSuite, finish, {}, {}), 0u);
}

TEST_F(KeysOfVersion2, AnEmptyRandHasLengthZero) {
  const Label label{
      CsbId(0x11223344), static_cast<uint8_t>(DataType::kCap), rand_i_, {}, kNoDigest};
  std::array<uint8_t, 32> key{};
  DeriveMessageKey(kSuite, PrfFunc::kHmacSha256, psk_v2_.view(), KeyConstant::kMikeyAuth, label,
                   key);
  EXPECT_EQ(ToHex(key), "fe54c9ba05dc6b1070ad47411b6d75ebf347ba3e8f38907ff0a9f95715d896f4");
}

TEST_F(KeysOfVersion2, ReachTheMedia) {
  const Label label{CsbId(0x11223344), 0, rand_i_, rand_r_, FinishHash(kSuite, th_, ah_)};
  std::array<uint8_t, 16> key{};
  std::array<uint8_t, 14> salt{};
  DeriveTraffic(kSuite, PrfFunc::kHmacSha256, z_, 3, label, key, salt);
  EXPECT_EQ(ToHex(key), "7381ab31a9bbc3a7cca2674e0d84fbeb");
  EXPECT_EQ(ToHex(salt), "7b171f22057f97a96115e3ad3c02");
}

TEST_F(KeysOfVersion2, EveryFieldOfAProtectionChangesTheMac) {
  const Bytes head = From(1, 40);
  const auto mac_of = [&](const Protection& protection) {
    std::array<uint8_t, 32> mac{};
    ComputeMac(kSuite, protection, head, mac);
    return ToHex(mac);
  };
  const std::string base = mac_of(Finish());
  const auto differs = [&](auto change) {
    Protection changed = Finish();
    change(changed);
    EXPECT_NE(mac_of(changed), base);
  };
  differs([&](Protection& p) { p.inkey = z_; });
  differs([](Protection& p) { p.csb_id = CsbId(0x11223345); });
  differs([](Protection& p) { p.type = DataType::kRsaFin; });
  differs([&](Protection& p) { p.rand_i = rand_r_; });
  differs([](Protection& p) { p.rand_r = {}; });
  differs([](Protection& p) { p.context = kNoDigest; });
  differs([](Protection& p) { p.first = kNoDigest; });
  differs([](Protection& p) { p.second = kNoDigest; });
  differs([](Protection& p) { p.prf = PrfFunc::kMikey1; });
}

TEST_F(KeysOfVersion2, AMacIsGoodUnderItsAlgorithmAlone) {
  const Bytes head = From(1, 40);
  std::array<uint8_t, 32> mac{};
  ComputeMac(kSuite, Finish(), head, mac);
  EXPECT_TRUE(CheckMac(kSuite, Finish(), head, MacAlg::kHmacSha256_256, mac));
  EXPECT_EQ(
      CheckMac(kSuite, Finish(), head, MacAlg::kHmacSha1_160, ByteView(mac).first(20)).error(),
      Error::kUnsupportedAlgorithm);
  mac[31] ^= 1;
  EXPECT_EQ(CheckMac(kSuite, Finish(), head, MacAlg::kHmacSha256_256, mac).error(),
            Error::kAuthenticationFailed);
}

}  // namespace
}  // namespace keymast::mikey::v2
