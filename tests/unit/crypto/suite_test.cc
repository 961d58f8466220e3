// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "crypto/primitives.h"
#include "tests/unit/crypto/hex.h"

namespace keymast::crypto {
namespace {

std::string HmacHex(Hash hash, ByteView key, ByteView data) {
  std::array<uint8_t, 32> mac{};
  const MutableBytes out = MutableBytes(mac).first(HashSize(hash));
  const std::array<ByteView, 1> parts{data};
  DefaultSuite().hmac(hash, key, parts, out);
  return ToHex(out);
}

const Bytes kKeyA(20, 0x0b);
const Bytes kKeyB = {'J', 'e', 'f', 'e'};
constexpr std::string_view kSha1OfA = "b617318655057264e28bc0b6fb378c8ef146be00";
constexpr std::string_view kSha1OfB = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
constexpr std::string_view kSha256OfB =
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
const ByteView kDataA = AsBytes("Hi There");
const ByteView kDataB = AsBytes("what do ya want for nothing?");

TEST(SelfTest, Passes) { EXPECT_TRUE(SelfTest()); }

TEST(Sha256, OfAbc) {  // FIPS 180-4
  EXPECT_EQ(ToHex(Sha256(AsBytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hmac, ReArmedWithTheSameKey) {  // RFC 2202
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_EQ(HmacHex(Hash::kSha1, kKeyA, kDataA), kSha1OfA) << turn;
  }
}

TEST(Hmac, ReKeyedBetweenMessages) {
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_EQ(HmacHex(Hash::kSha1, kKeyA, kDataA), kSha1OfA) << turn;
    EXPECT_EQ(HmacHex(Hash::kSha1, kKeyB, kDataB), kSha1OfB) << turn;
    EXPECT_EQ(HmacHex(Hash::kSha256, kKeyB, kDataB), kSha256OfB) << turn;  // RFC 4231
  }
}

TEST(Hmac, KeysThatShareABeginning) {
  const Bytes shorter(16, 0x0b);
  const std::string of_shorter = HmacHex(Hash::kSha1, shorter, kDataA);
  EXPECT_NE(of_shorter, kSha1OfA);
  EXPECT_EQ(HmacHex(Hash::kSha1, kKeyA, kDataA), kSha1OfA);
  EXPECT_EQ(HmacHex(Hash::kSha1, shorter, kDataA), of_shorter);
}

TEST(Hmac, KeysLongerThanABlockAreNotRemembered) {  // RFC 2202, case 6
  const Bytes key(80, 0xaa);
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(HmacHex(Hash::kSha1, key,
                      AsBytes("Test Using Larger Than Block-Size Key - Hash Key First")),
              "aa4ae5e15272d00e95705637ce8a3b55ed402112");
  }
}

TEST(Hmac, OnceIsTheSameAndLeavesTheContexts) {
  const std::array<ByteView, 1> parts{kDataA};
  const std::array<ByteView, 2> halves{kDataB.first(9), kDataB.subspan(9)};
  const Bytes long_key(80, 0xaa);
  std::array<uint8_t, 20> mac{};
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(HmacHex(Hash::kSha1, kKeyA, kDataA), kSha1OfA);
    DefaultSuite().hmac_once(Hash::kSha1, kKeyB, halves, mac);
    EXPECT_EQ(ToHex(mac), kSha1OfB);
    EXPECT_EQ(HmacHex(Hash::kSha1, kKeyA, kDataA), kSha1OfA);
    DefaultSuite().hmac_once(Hash::kSha1, long_key, parts, mac);
    EXPECT_EQ(ToHex(mac), HmacHex(Hash::kSha1, long_key, kDataA));
    DefaultSuite().hmac_once(Hash::kSha1, kKeyA, parts, mac);
    EXPECT_EQ(ToHex(mac), kSha1OfA);
  }
}

TEST(Hmac, OfPartsEqualsOfWhole) {
  const std::array<ByteView, 4> parts{AsBytes("what do "), ByteView(), AsBytes("ya want for "),
                                      AsBytes("nothing?")};
  std::array<uint8_t, 20> mac{};
  DefaultSuite().hmac(Hash::kSha1, kKeyB, parts, mac);
  EXPECT_EQ(ToHex(mac), kSha1OfB);
  EXPECT_EQ(ToHex(HmacSha256(kKeyB, parts).view()), kSha256OfB);
}

TEST(Hmac, EachThreadHasItsOwnContexts) {
  std::vector<std::thread> threads;
  std::array<int, 4> right{};
  for (size_t i = 0; i < right.size(); ++i) {
    threads.emplace_back([&right, i] {
      for (int turn = 0; turn < 200; ++turn) {
        const bool a = i % 2 == 0;
        right[i] += HmacHex(Hash::kSha1, a ? kKeyA : kKeyB, a ? kDataA : kDataB) ==
                            (a ? kSha1OfA : kSha1OfB)
                        ? 1
                        : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : right) EXPECT_EQ(count, 200);
}

TEST(AesCtr, KeystreamOfRfc3711B2) {
  const Bytes key = Hex("2b7e151628aed2a6abf7158809cf4f3c");
  const Bytes iv = Hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000");
  for (int turn = 0; turn < 2; ++turn) {
    Bytes data(48);
    DefaultSuite().aes_ctr(key, iv, data);
    EXPECT_EQ(ToHex(data),
              "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"
              "41e95b3bb0a2e8dd477901e4fca894c0");
  }
}

TEST(AesCtr, KeystreamOfSp800_38aAcrossACarry) {  // F.5.1
  const Bytes key = Hex("2b7e151628aed2a6abf7158809cf4f3c");
  const Bytes iv = Hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  Bytes data(48);
  DefaultSuite().aes_ctr(key, iv, data);
  EXPECT_EQ(ToHex(data),
            "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae"
            "6a2cc3787889374fbeb4c81b17ba6c44");
}

TEST(AesCtr, Aes256OfSp800_38a) {  // SP 800-38A F.5.5, first block
  const Bytes key = Hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
  const Bytes iv = Hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  Bytes data = Hex("6bc1bee22e409f96e93d7e117393172a");
  DefaultSuite().aes_ctr(key, iv, data);
  EXPECT_EQ(ToHex(data), "601ec313775789a5b7a7f504bbf3d228");
}

TEST(AesCtr, TwiceIsNothing) {
  const Bytes key(32, 3);
  const Bytes iv(16, 4);
  Bytes data = {1, 2, 3, 4, 5};
  DefaultSuite().aes_ctr(key, iv, data);
  DefaultSuite().aes_ctr(key, iv, data);
  EXPECT_EQ(data, (Bytes{1, 2, 3, 4, 5}));
}

TEST(SuiteDeathTest, RefusesSizesOutsideItsContract) {
  Bytes data(16);
  EXPECT_DEATH(DefaultSuite().aes_ctr(Bytes(15), Bytes(16), data), "key.size");
  EXPECT_DEATH(DefaultSuite().hmac(Hash::kSha1, {}, {}, data), "key.empty");
}

}  // namespace
}  // namespace keymast::crypto
