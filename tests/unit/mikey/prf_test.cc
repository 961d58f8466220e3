// SPDX-License-Identifier: Apache-2.0
#include "mikey/prf.h"

#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

const crypto::Suite& kSuite = crypto::DefaultSuite();

Bytes PrfOf(ByteView inkey, size_t size, PrfFunc func = PrfFunc::kMikey1) {
  Bytes out(size);
  Prf(kSuite, func, inkey, AsBytes("label"), out);
  return out;
}

TEST(Prf, ShorterOutputsArePrefixes) {  // RFC 3830 §4.1.2: cut to the first outkey_bits
  for (const PrfFunc func : {PrfFunc::kMikey1, PrfFunc::kHmacSha256}) {
    const Bytes longest = PrfOf(kUserKey, 100, func);
    for (size_t size = 0; size <= longest.size(); ++size) {
      EXPECT_TRUE(Equal(PrfOf(kUserKey, size, func), ByteView(longest).first(size))) << size;
    }
  }
}

TEST(Prf, PiecesOf256BitsAreXored) {
  Bytes inkey(70);
  for (size_t i = 0; i < inkey.size(); ++i) inkey[i] = static_cast<uint8_t>(i * 7);
  for (const PrfFunc func : {PrfFunc::kMikey1, PrfFunc::kHmacSha256}) {
    const Bytes whole = PrfOf(inkey, 50, func);
    Bytes sum(50);
    for (const auto& [at, size] : {std::pair{0, 32}, {32, 32}, {64, 6}}) {
      const Bytes piece = PrfOf(
          ByteView(inkey).subspan(static_cast<size_t>(at), static_cast<size_t>(size)), 50, func);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] ^= piece[i];
    }
    EXPECT_EQ(ToHex(whole), ToHex(sum));
  }
}

TEST(Prf, AKeyOf32OctetsIsOnePieceAndNotEmpty) {  // where libmikey goes wrong
  const Bytes a(32, 1);
  const Bytes b(32, 2);
  EXPECT_NE(PrfOf(a, 20), PrfOf(b, 20));
}

TEST(Derive, EveryPartOfTheLabelCounts) {
  const auto derived = [](KeyConstant constant, uint8_t cs_id, CsbId csb, ByteView rand) {
    Bytes out(16);
    Derive(kSuite, PrfFunc::kMikey1, kMsk, constant, cs_id, csb, rand, out);
    return out;
  };
  const Bytes base = derived(KeyConstant::kTek, 1, CsbId(1), kRand);
  EXPECT_NE(base, derived(KeyConstant::kTgkSalt, 1, CsbId(1), kRand));
  EXPECT_NE(base, derived(KeyConstant::kTek, 2, CsbId(1), kRand));
  EXPECT_NE(base, derived(KeyConstant::kTek, 1, CsbId(2), kRand));
  EXPECT_NE(base, derived(KeyConstant::kTek, 1, CsbId(1), ByteView(kRand).first(15)));
  EXPECT_EQ(base, derived(KeyConstant::kTek, 1, CsbId(1), kRand));
}

TEST(Derive, TransportKeysHaveTheLengthsOfTheirAlgorithms) {
  const TransportKeys small = DeriveTransportKeys(kSuite, {}, kUserKey, CsbId(0), kRand);
  EXPECT_EQ(small.encr.size(), 16u);
  EXPECT_EQ(small.auth.size(), 20u);
  EXPECT_EQ(small.salt.size(), 14u);
  const Algorithms large{PrfFunc::kHmacSha256, EncrAlg::kAesCm256, MacAlg::kHmacSha256_256};
  const TransportKeys keys = DeriveTransportKeys(kSuite, large, kUserKey, CsbId(0), kRand);
  EXPECT_EQ(keys.encr.size(), 32u);
  EXPECT_EQ(keys.auth.size(), 32u);
  EXPECT_TRUE(DeriveCipherKeys(kSuite, large, kUserKey, CsbId(0), kRand).auth.empty());
  EXPECT_EQ(DeriveAuthKey(kSuite, large, kUserKey, CsbId(0), kRand), keys.auth);
}

TEST(CryptKeyData, CounterIsPaddedOnTheLeft) {  // RFC 3830 §6.6
  const TransportKeys keys = DeriveTransportKeys(kSuite, {}, kUserKey, CsbId(5), kRand);
  Bytes as_counter(20);
  Bytes as_ntp(20);
  const Bytes seven = Hex("00000007");
  const Bytes low = Hex("0000000000000007");
  const Bytes high = Hex("0000000700000000");
  CryptKeyData(kSuite, keys, CsbId(5), {TsType::kCounter, seven}, as_counter);
  CryptKeyData(kSuite, keys, CsbId(5), {TsType::kNtpUtc, low}, as_ntp);
  EXPECT_EQ(as_counter, as_ntp);
  Bytes as_seconds(20);  // RFC 6043 §6.3: whole seconds, their fraction is 0
  Bytes as_high(20);
  CryptKeyData(kSuite, keys, CsbId(5), {TsType::kNtpUtc32, seven}, as_seconds);
  CryptKeyData(kSuite, keys, CsbId(5), {TsType::kNtpUtc, high}, as_high);
  EXPECT_EQ(as_seconds, as_high);
  EXPECT_NE(as_seconds, as_counter);
}

TEST(CryptKeyData, TwiceIsNothing) {
  const TransportKeys keys = DeriveTransportKeys(kSuite, {}, kUserKey, CsbId(5), kRand);
  Bytes data = kMsk;
  const Bytes counter = Hex("00000007");
  CryptKeyData(kSuite, keys, CsbId(5), {TsType::kCounter, counter}, data);
  EXPECT_NE(data, kMsk);
  CryptKeyData(kSuite, keys, CsbId(5), {TsType::kCounter, counter}, data);
  EXPECT_EQ(data, kMsk);
}

}  // namespace
}  // namespace keymast::mikey
