// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "crypto/pkcs1.h"
#include "crypto/rsa_key.h"
#include "tests/data/rsa_keys.h"
#include "tests/unit/crypto/hex.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::crypto {
namespace {

const PublicSuite& Pk() { return *DefaultSuite().pk; }

Bytes KeyOf(size_t size) {
  Bytes key(size);
  for (size_t i = 0; i < size; ++i) key[i] = static_cast<uint8_t>(i);  // also zeros in it
  return key;
}

class Wrapping : public testing::Test {
 protected:
  Bytes Wrap(ByteView key) {
    Bytes wrapped(public_.modulus_size());
    EXPECT_EQ(Pk().wrap(public_, key, rng_, wrapped), Result<size_t>(wrapped.size()));
    return wrapped;
  }
  // Encrypt encrypts a block as it stands.
  Bytes Encrypt(ByteView block) const {
    Bytes wrapped(block.size());
    EXPECT_TRUE(RawPublic(public_.native(), block, wrapped));
    return wrapped;
  }
  Bytes Unwrap(ByteView wrapped) const {
    const Envelope envelope = Pk().unwrap(key_, wrapped);
    EXPECT_GE(envelope.size(), kMinEnvelope);
    EXPECT_LE(envelope.size(), kMaxEnvelope);
    return Bytes(envelope.view().begin(), envelope.view().end());
  }
  // ExpectSubstitute: a key, the same each time, and none of what the block holds.
  void ExpectSubstitute(ByteView wrapped, ByteView inside = {}) {
    const Bytes key = Unwrap(wrapped);
    EXPECT_EQ(Unwrap(wrapped), key);
    EXPECT_FALSE(Equal(key, inside));
    EXPECT_TRUE(seen_.insert(key).second) << "two ciphertexts, one substitute";
  }

  const PrivateKey key_ = TestKey(testdata::kEndKey);
  const PublicKey public_ = key_.PublicPart();
  SeededRng rng_{7};
  std::set<Bytes> seen_;
};

TEST_F(Wrapping, GivesBackKeysOfEveryLength) {
  for (size_t size = kMinEnvelope; size <= kMaxEnvelope; ++size) {
    EXPECT_EQ(Unwrap(Wrap(KeyOf(size))), KeyOf(size));
  }
}

TEST_F(Wrapping, RefusesLengthsOutside) {
  Bytes out(256);
  EXPECT_EQ(Pk().wrap(public_, KeyOf(15), rng_, out), Err(Error::kInvalidArgument));
  EXPECT_EQ(Pk().wrap(public_, KeyOf(129), rng_, out), Err(Error::kInvalidArgument));
  EXPECT_EQ(Pk().wrap(public_, KeyOf(16), rng_, MutableBytes(out).first(255)),
            Err(Error::kTooLong));
}

TEST_F(Wrapping, ReplaysFromItsSeed) {
  const Bytes first = Wrap(KeyOf(32));
  EXPECT_NE(Wrap(KeyOf(32)), first);
  rng_ = SeededRng(7);
  EXPECT_EQ(Wrap(KeyOf(32)), first);
}

TEST_F(Wrapping, PadsWithoutZeros) {
  for (int turn = 0; turn < 50; ++turn) {
    Bytes block(256);
    PadPkcs1(KeyOf(16), rng_, block);
    EXPECT_EQ(std::count(block.begin() + 2, block.begin() + 239, 0), 0);
    EXPECT_EQ(block[239], 0);
  }
}

TEST_F(Wrapping, BadPaddingGivesASubstitute) {
  Bytes good(256);
  PadPkcs1(KeyOf(32), rng_, good);
  ASSERT_EQ(Unwrap(Encrypt(good)), KeyOf(32));
  const auto with = [&good](size_t at, uint8_t octet) {
    Bytes block = good;
    block[at] = octet;
    return block;
  };
  ExpectSubstitute(Encrypt(with(0, 1)), KeyOf(32));  // still below the modulus
  for (const uint8_t type : Bytes{0, 1, 3, 0x82}) {
    ExpectSubstitute(Encrypt(with(1, type)), KeyOf(32));
  }
  for (size_t at = 2; at < 10; ++at) ExpectSubstitute(Encrypt(with(at, 0)), KeyOf(32));
  ExpectSubstitute(Encrypt(with(150, 0)));  // leaves 105 octets: good, but another key
  ExpectSubstitute(Encrypt(with(100, 0)));  // leaves more than 128 octets
  Bytes endless = with(1, 2);
  for (size_t i = 2; i < endless.size(); ++i) endless[i] = 0xff;  // no separator
  ExpectSubstitute(Encrypt(endless));
}

TEST_F(Wrapping, LengthsJustOutsideGiveASubstitute) {
  for (const size_t size : {0u, 1u, 15u, 129u, 245u}) {
    Bytes block(256);
    PadPkcs1(KeyOf(size), rng_, block);
    ExpectSubstitute(Encrypt(block), KeyOf(size));
  }
}

TEST_F(Wrapping, NumbersThatAreNoCiphertextGiveASubstitute) {
  ExpectSubstitute({});
  ExpectSubstitute(Bytes(1, 0));
  ExpectSubstitute(Bytes(255, 1));
  ExpectSubstitute(Bytes(257, 1));
  ExpectSubstitute(Bytes(1000, 1));
  ExpectSubstitute(Bytes(256, 0));
  ExpectSubstitute(Bytes(256, 0xff));  // not below the modulus
  Bytes wrapped = Wrap(KeyOf(32));
  wrapped.push_back(0);
  ExpectSubstitute(wrapped, KeyOf(32));
  wrapped = Wrap(KeyOf(32));
  wrapped[100] ^= 1;
  ExpectSubstitute(wrapped, KeyOf(32));
}

TEST_F(Wrapping, SubstitutesAreTheKeysOwn) {
  const Bytes wrapped(256, 1);
  const Bytes here = Unwrap(wrapped);
  EXPECT_FALSE(Equal(Pk().unwrap(TestKey(testdata::kOtherKey), wrapped).view(), here));
}

TEST_F(Wrapping, SubstitutesHaveEveryLength) {
  std::set<size_t> sizes;
  Bytes block(256);
  auto substitute = Substitute::OfSize(kMaxEnvelope + 4);
  for (uint32_t i = 0; i < 256; ++i) {
    substitute.mutable_view()[kMaxEnvelope] = static_cast<uint8_t>(i);
    sizes.insert(OpenPkcs1(block, substitute).size());
  }
  EXPECT_EQ(sizes.size(), 113u);
  EXPECT_EQ(*sizes.begin(), kMinEnvelope);
  EXPECT_EQ(*sizes.rbegin(), kMaxEnvelope);
}

TEST(Pkcs1, WantsEightOctetsOfPadding) {
  for (size_t separator = 2; separator < 20; ++separator) {
    Bytes block(256, 0xff);
    block[0] = 0;
    block[1] = 2;
    block[separator] = 0;
    const Pkcs1Message message = FindPkcs1Message(block, 0, 256);
    EXPECT_EQ(message.good != 0, separator >= 10) << separator;
  }
}

TEST(Pkcs1, TakesTheTailOfEveryLength) {
  const Bytes block = KeyOf(256);
  for (uint32_t size = 0; size <= 245; ++size) {
    Bytes out(245);
    TakeTail(block, size, out);
    EXPECT_TRUE(Equal(ByteView(out).first(size), ByteView(block).last(size))) << size;
  }
}

}  // namespace
}  // namespace keymast::crypto
