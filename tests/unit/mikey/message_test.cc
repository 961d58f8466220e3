// SPDX-License-Identifier: Apache-2.0
#include "mikey/message.h"
#include "mikey/key_data.h"

#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

// HDR of a message without crypto sessions whose first payload is `next`.
Bytes HeaderOctets(uint8_t next) { return {1, 0, next, 0, 0, 0, 0, 7, 0, 1}; }

Bytes Joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Error ParseError(const Bytes& octets) {
  Message message;
  const Status parsed = ParseMessage(octets, message);
  return parsed ? Error::kInternal : parsed.error();
}

// ReadsBack parses, writes again and compares.
void ReadsBack(const Bytes& octets) {
  Message message;
  ASSERT_TRUE(ParseMessage(octets, message)) << ToHex(octets);
  Bytes out(octets.size());
  ASSERT_EQ(WriteMessage(message, out), Result<size_t>(octets.size()));
  EXPECT_EQ(ToHex(out), ToHex(octets));
}

TEST(Message, EveryPayloadReadsBack) {
  constexpr std::string_view kPayloads[][2] = {
      {"05", "0000e5a1b2c300000001"},  // T, NTP-UTC
      {"05", "0001e5a1b2c300000001"},  // T, NTP
      {"05", "000200000007"},          // T, COUNTER
      {"0b", "0004aabbccdd"},          // RAND
      {"0b", "0000"},                  // RAND of nothing: opening refuses it
      {"06", "0000000161"},            // ID, NAI
      {"06", "00ff000161"},            // ID of a type we do not know
      {"0a", "0000000003000101"},      // SP
      {"01", "0000000000"},            // KEMAC, NULL
      {"01",
       "00010002abcd01"
       "0102030405060708090a0b0c0d0e0f1011121314"},
      {"01", "0006000000"},  // KEMAC of an encryption we do not know
      {"09",
       "0001"
       "0102030405060708090a0b0c0d0e0f1011121314"},
      {"09",
       "0002"
       "0102030405060708090a0b0c0d0e0f100102030405060708090a0b0c0d0e0f10"},
      {"15", "0003000b000300f110010400020001"},  // EXT, Key ID information
      {"15", "00f10002abcd"},                    // EXT of a type we do not know
  };
  for (const auto& [type, payload] : kPayloads) {
    ReadsBack(Joined({HeaderOctets(Hex(type)[0]), Hex(payload)}));
  }
}

TEST(Message, HeaderWithEveryField) {
  ReadsBack(
      Hex("0101008112345678"
          "0200"
          "01deadbeef00000003"
          "02cafebabe00000000"));
  Message message;
  const Bytes octets =
      Hex("01010081123456780100"
          "01deadbeef00000003");
  ASSERT_TRUE(ParseMessage(octets, message));
  EXPECT_EQ(message.header.data_type, DataType::kPskVerification);
  EXPECT_TRUE(message.header.v_flag);
  EXPECT_EQ(message.header.prf, PrfFunc::kHmacSha256);
  EXPECT_EQ(message.header.csb_id, 0x12345678u);
  EXPECT_EQ(message.header.cs_count, 1);
  EXPECT_EQ(message.header.map_type, CsIdMapType::kSrtpId);
  EXPECT_EQ(message.header.map.size(), 9u);
}

TEST(Message, EmptyMapHasNoInfoWhateverTheCount) {  // RFC 4563 §5
  ReadsBack(Hex("01000000000000000501"));
}

TEST(Message, ParsingAgainForgetsTheFirst) {
  Message message;
  const Bytes first =
      Hex("01010081123456780100"
          "01deadbeef00000003");
  ASSERT_TRUE(ParseMessage(first, message));
  const Bytes second = HeaderOctets(0);
  ASSERT_TRUE(ParseMessage(second, message));
  EXPECT_TRUE(message.header.map.empty());
  EXPECT_TRUE(message.chain().empty());
}

TEST(Message, RefusalsNameTheirReason) {
  EXPECT_EQ(ParseError({}), Error::kTruncated);
  EXPECT_EQ(ParseError(Hex("0100")), Error::kTruncated);
  EXPECT_EQ(ParseError(Hex("010000")), Error::kTruncated);
  EXPECT_EQ(ParseError(Hex("03000000000000000001")), Error::kUnknownVersion);
  EXPECT_EQ(ParseError(Hex("0100000000000000ff01")), Error::kMalformed);  // #CS 255
  EXPECT_EQ(ParseError(Hex("01000000000000000100")), Error::kTruncated);  // map missing
  EXPECT_EQ(ParseError(Joined({HeaderOctets(0), {0}})), Error::kTrailingOctets);
  EXPECT_EQ(ParseError(Hex("0100000000000000020200")), Error::kTruncated);  // GENERIC-ID
  EXPECT_EQ(ParseError(Joined({HeaderOctets(10), {0, 0, 0, 0, 3, 0, 2, 1}})), Error::kMalformed);
  EXPECT_EQ(ParseError(Bytes(kMaxMessage + 1)), Error::kTooLong);
}

Error ReasonOf(const Bytes& octets) {
  ReadsBack(octets);
  Message message;
  EXPECT_TRUE(ParseMessage(octets, message));
  const auto* opaque = message.Get<OpaquePayload>();
  EXPECT_NE(opaque, nullptr) << ToHex(octets);
  return opaque == nullptr ? Error::kInternal : opaque->reason;
}

TEST(Message, PrivateNumbersAreOpaqueInVersion1) {
  const Bytes padding =
      Hex("0100f200000000000001"
          "00000100");
  Message message;
  ASSERT_TRUE(ParseMessage(padding, message));
  EXPECT_NE(message.Get<OpaquePayload>(), nullptr);
  Bytes newer = padding;
  newer[0] = kVersion2;
  ASSERT_TRUE(ParseMessage(newer, message));
  EXPECT_NE(message.Get<PaddingPayload>(), nullptr);
}

TEST(Message, WhatCannotBeUnderstoodIsKeptWithAllBehindIt) {
  EXPECT_EQ(ReasonOf(Joined({HeaderOctets(22), {11, 0, 1}})), Error::kUnknownPayload);  // IBAKE
  EXPECT_EQ(ReasonOf(Joined({HeaderOctets(241), {5, 9, 9}})), Error::kUnknownPayload);
  EXPECT_EQ(ReasonOf(Joined({HeaderOctets(20), {0, 0, 0}})), Error::kUnknownPayload);  // key data
  EXPECT_EQ(ReasonOf(Joined({HeaderOctets(5), {11, 9, 1, 2}})), Error::kUnsupportedAlgorithm);
  EXPECT_EQ(ReasonOf(Joined({HeaderOctets(9), {0, 7}})), Error::kUnsupportedAlgorithm);
  EXPECT_EQ(ReasonOf(Joined({HeaderOctets(8), {0, 9, 1}})), Error::kUnsupportedAlgorithm);
  EXPECT_EQ(ReasonOf(Joined({HeaderOctets(3), {0, 3, 1}})), Error::kUnsupportedAlgorithm);
  EXPECT_EQ(ReasonOf(Joined({HeaderOctets(1), {0, 1, 0, 0, 9}})), Error::kUnsupportedAlgorithm);
  EXPECT_EQ(ReasonOf(Hex("0100050000000000020999050001")), Error::kUnsupportedAlgorithm);  // map 9
  EXPECT_EQ(ParseError(HeaderOctets(241)), Error::kTruncated);
}

TEST(Message, ChainMustEndWithLast) {
  EXPECT_EQ(ParseError(HeaderOctets(11)), Error::kTruncated);
  EXPECT_EQ(ParseError(Joined({HeaderOctets(11), {11, 1, 9}})), Error::kTruncated);
}

TEST(Message, At64PayloadsItEnds) {
  const auto chain_of = [](size_t count) {
    Bytes octets = HeaderOctets(11);
    for (size_t i = 0; i < count; ++i) {
      const Bytes rand = {static_cast<uint8_t>(i + 1 < count ? 11 : 0), 1, 9};
      octets.insert(octets.end(), rand.begin(), rand.end());
    }
    return octets;
  };
  ReadsBack(chain_of(kMaxPayloads));
  EXPECT_EQ(ParseError(chain_of(kMaxPayloads + 1)), Error::kTooManyPayloads);
}

TEST(Message, IdentitiesEndAt255Octets) {
  const auto id_of = [](size_t size) {
    Bytes octets = Joined(
        {HeaderOctets(6), {0, 0, static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)}});
    octets.resize(octets.size() + size, 'x');
    return octets;
  };
  ReadsBack(id_of(255));
  EXPECT_EQ(ParseError(id_of(256)), Error::kTooLong);
}

TEST(Message, GetCountsWithinItsType) {
  Message message;
  const Bytes octets = MskOctets();
  ASSERT_TRUE(ParseMessage(octets, message));
  EXPECT_EQ(AsText(message.Get<IdPayload>(1)->data), AsText(kIdr));
  EXPECT_EQ(message.Get<IdPayload>(2), nullptr);
  EXPECT_EQ(message.Get<VPayload>(), nullptr);
}

TEST(Writer, RefusesFieldsOfWrongLength) {
  Bytes out(100);
  const Bytes seven(7);
  const Bytes long_rand(256);
  const Header header;
  ChainWriter t(out, header);
  t.Add(TPayload{TsType::kNtp, seven});
  EXPECT_FALSE(t.ok());
  ChainWriter rand(out, header);
  rand.Add(RandPayload{long_rand});
  EXPECT_FALSE(rand.ok());
  ChainWriter mac(out, header);
  mac.Add(VPayload{MacAlg::kHmacSha1_160, seven});
  EXPECT_FALSE(mac.ok());
}

TEST(KeyData, EveryTypeAndValidityReadsBack) {
  constexpr std::string_view kKeys[] = {
      "00000002abcd",              // TGK
      "00100002abcd0001ee",        // TGK+SALT
      "00200002abcd",              // TEK
      "00300002abcd0001ee",        // TEK+SALT
      "00210002abcd0400000001",    // SPI
      "00020002abcd0200040203e8",  // interval
  };
  for (const std::string_view text : kKeys) {
    const Bytes plain = Hex(text);
    std::array<KeyDataPayload, 1> keys;
    ASSERT_EQ(ParseKeyData(plain, keys), Result<size_t>(1)) << text;
    Bytes out(plain.size());
    ASSERT_EQ(WriteKeyData(keys, out), Result<size_t>(plain.size()));
    EXPECT_EQ(ToHex(out), text);
  }
}

TEST(KeyData, SeveralInOneChain) {
  const Bytes plain =
      Hex("14000001aa"
          "14000001bb"
          "00000001cc");
  std::array<KeyDataPayload, 3> keys;
  ASSERT_EQ(ParseKeyData(plain, keys), Result<size_t>(3));
  EXPECT_EQ(ToHex(keys[2].key), "cc");
  EXPECT_FALSE(ParseKeyData(plain, std::span(keys).first(2)));
}

TEST(KeyData, AnythingElseIsMalformed) {
  std::array<KeyDataPayload, 4> keys;
  for (const std::string_view text : {"00", "00000002ab", "00000002abcd00", "01000002abcd",
                                      "00800001aa", "00030001aa", "14000001aa"}) {
    const Bytes plain = Hex(text);
    EXPECT_EQ(ParseKeyData(plain, keys).error(), Error::kMalformed) << text;
  }
}

}  // namespace
}  // namespace keymast::mikey
