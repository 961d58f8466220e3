// SPDX-License-Identifier: Apache-2.0
// Descriptions and messages are each other's inverse; what is wrong on purpose can be made, what is
// wrong by mistake is told.
#include "tools/builder.h"

#include <gmock/gmock.h>

#include "tests/unit/mikey/sample_io.h"
#include "tests/unit/tools/messages.h"

namespace keymast::tools {
namespace {

using mikey::Hex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kSamples = 60;

std::string Built(std::string_view text, const Keys& keys = {}) {
  const auto descriptions = ParseDescriptions(text);
  if (!descriptions) return "refused: " + descriptions.error().message;
  const auto messages = BuildMessages(*descriptions, keys, crypto::DefaultSuite());
  if (!messages) return "refused: " + messages.error().message;
  std::string hex;
  for (const Bytes& octets : *messages) hex += (hex.empty() ? "" : " ") + ToHex(octets);
  return hex;
}

void ExpectSame(const Bytes& octets) {
  const Json description = DescriptionOf(octets);
  // As text, the way that it goes from one program to the other.
  EXPECT_EQ(Built(description.dump()), ToHex(octets)) << description.dump(1);
}

TEST(Description, WorkedMessagesComeBack) {
  for (const Bytes& octets : {kPskInit, kPskAnswer, mikey::MskOctets(), mikey::MtkOctets(),
                              mikey::VerificationOctets()}) {
    ExpectSame(octets);
    EXPECT_TRUE(DescriptionOf(octets).contains("payloads"));
  }
}

TEST(Description, WhatIsNoMessageComesBackToo) {
  for (const char* hex : {"", "01", "03000000000000000000", "010005800000000000010002"}) {
    ExpectSame(Hex(hex));
    EXPECT_TRUE(DescriptionOf(Hex(hex)).contains("raw"));
  }
}

template <class P>
void PayloadComesBack(std::mt19937_64& random) {
  for (int i = 0; i < kSamples; ++i) {
    std::deque<Bytes> arena;
    Bytes out(4000);
    mikey::ChainWriter chain(out, {});
    chain.Add(mikey::RandPayload{mikey::kRand});
    chain.Add(mikey::Sample<P>(random, arena));
    ASSERT_TRUE(chain.ok());
    out.resize(chain.size());
    ExpectSame(out);
  }
}

template <size_t... I>
void AllComeBack(std::mt19937_64& random, std::index_sequence<I...>) {
  (PayloadComesBack<std::variant_alternative_t<I, mikey::Payload>>(random), ...);
}

TEST(Description, EveryPayloadComesBack) {
  std::mt19937_64 random(1);
  AllComeBack(random, std::make_index_sequence<std::variant_size_v<mikey::Payload> - 1>());
}

TEST(Description, OpaquePayloadsAndMapsComeBack) {
  ExpectSame(Hex("01006300000000000001000102"));
  ExpectSame(
      Hex("0100050000000000"
          "0209"
          "000102"));  // a map type without number
  ExpectSame(
      Hex("0100050000000000"
          "0102"
          "0400810100060000000100020003"
          "0105"
          "00020000000a"));
}

TEST(Description, MutationsComeBack) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 1000; ++i) {
    Bytes octets = i % 2 == 0 ? kPskInit : mikey::MskOctets();
    for (int flips = 0; flips < 3; ++flips) {
      octets[random() % octets.size()] = static_cast<uint8_t>(random());
    }
    ExpectSame(octets);
  }
}

const char* const kPskDescription = R"([
  {"header": {"data_type": "Pre-shared", "v": true, "csb_id": "0x12345678",
              "cs_id_map_type": "SRTP-ID", "map": [{"ssrc": "0xdeadbeef"}]},
   "payloads": [
     {"type": "T", "ts_type": "NTP-UTC", "ts_value": "e5a1b2c300000001"},
     {"type": "RAND", "rand": "101112131415161718191a1b1c1d1e1f"},
     {"type": "ID", "id": {"text": "bmsc@example.org"}},
     {"type": "ID", "id": {"text": "ue1@example.org"}},
     {"type": "SP", "params": [
       {"type": "SRTP encr alg", "value": "AES-CM"}, {"type": 1, "value": 16},
       {"type": 2, "value": 1}, {"type": 3, "value": 20}, {"type": 4, "value": "0e"},
       {"type": "SRTP encryption", "value": "on"}, {"type": 8, "value": 1},
       {"type": 10, "value": 1}, {"type": 11, "value": 10}]},
     {"type": "KEMAC", "seal": {"key": "psk", "keys": [
       {"type": "TGK+SALT", "kv": "SPI", "key": {"name": "tgk"},
        "salt": "c0c1c2c3c4c5c6c7c8c9cacbcccd", "spi": "00000001"}]}}]},
  {"header": {"data_type": "PSK ver msg", "csb_id": "0x12345678", "cs_id_map_type": 0,
              "map": [{"ssrc": "0xdeadbeef"}]},
   "payloads": [
     {"type": "T", "ts_type": "NTP-UTC", "ts_value": "e5a1b2c300000001"},
     {"type": "ID", "id": {"text": "ue1@example.org"}},
     {"type": "V", "seal": {"key": "psk"}}]}])";

Keys WorkedKeys() {
  return {NamedKey("psk", mikey::kUserKey),
          NamedKey("tgk", Hex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"))};
}

TEST(Builder, AWorkedMessageAndItsAnswerAreMadeOctetForOctet) {
  EXPECT_EQ(Built(kPskDescription, WorkedKeys()), ToHex(kPskInit) + " " + ToHex(kPskAnswer));
}

TEST(Builder, WhatDecodePrintsIsADescription) {
  const Session decoded({kPskInit}, UserKeyOnly());
  Json document{{"messages", Json::array({JsonOf(decoded[0], {}, 1, false)})}};
  EXPECT_EQ(Built(document.dump()), ToHex(kPskInit));
  EXPECT_EQ(Built(document["messages"][0].dump()), ToHex(kPskInit));
}

// A message whose seal covers what is wrong with it.
std::string Sealed(const std::string& members, const std::string& seal = "") {
  return R"({"header": {}, "payloads": [{"type": "T", "ts_value": 7}, {"type": "RAND", "rand":
      "101112131415161718191a1b1c1d1e1f"}, {"type": "KEMAC", "seal": {"key": "psk", "keys": [{"key":
      {"name": "tgk"}}])" +
         seal + "}}]" + members + "}";
}

Outcome OutcomeOf(const std::string& hex, Keys keys) {
  return Session({Hex(hex)}, std::move(keys))[0].outcome;
}

TEST(Builder, PatchesAreCoveredByTheMacAndDamageIsNot) {
  EXPECT_EQ(OutcomeOf(Built(Sealed(""), WorkedKeys()), WorkedKeys()), Outcome::kVerified);
  const std::string at = R"([{"at": 5, "octets": "ff"}])";
  const std::string patched = Built(Sealed(R"(, "patch": )" + at), WorkedKeys());
  const std::string damaged = Built(Sealed(R"(, "damage": )" + at), WorkedKeys());
  EXPECT_EQ(patched.substr(10, 2), "ff");
  EXPECT_EQ(damaged.substr(10, 2), "ff");
  EXPECT_NE(patched, damaged);
  EXPECT_EQ(OutcomeOf(damaged, WorkedKeys()), Outcome::kFailed);
  const std::string trailing = Built(Sealed(R"(, "trailing": "0102")"), WorkedKeys());
  EXPECT_TRUE(trailing.ends_with("0102"));
  EXPECT_EQ(OutcomeOf(trailing, WorkedKeys()), Outcome::kMalformed);
}

TEST(Builder, BadKeyDataCanBeSealedUnderAGoodMac) {
  const std::string bad = R"({"header": {}, "payloads": [{"type": "T", "ts_value": 7},
      {"type": "RAND", "rand": "101112131415161718191a1b1c1d1e1f"},
      {"type": "KEMAC", "seal": {"key": "psk", "plain": "000102"}}]})";
  EXPECT_EQ(OutcomeOf(Built(bad, WorkedKeys()), WorkedKeys()), Outcome::kMalformed);
}

TEST(Builder, TheKemacOfAPublicKeyModeCoversItselfAlone) {
  const std::string pk = R"({"header": {"data_type": "Public key"}, "payloads": [
      {"type": "T", "ts_value": 7}, {"type": "RAND", "rand": "101112131415161718191a1b1c1d1e1f"},
      {"type": "KEMAC", "seal": {"key": "psk", "id": {"id": {"text": "a@b"}},
                                 "keys": [{"key": {"name": "tgk"}}]}},
      {"type": "PKE", "data": "0102"}, {"type": "SIGN", "signature": "00"}]})";
  const auto messages = std::vector<Bytes>{Hex(Built(pk, WorkedKeys()))};
  const Session decoded(messages, WorkedKeys());
  EXPECT_EQ(decoded[0].outcome, Outcome::kUnverified);
  EXPECT_THAT(decoded[0].reason, HasSubstr("signature"));
  EXPECT_EQ(decoded[0].key, "psk");
  EXPECT_THAT(TextOf(decoded[0]), HasSubstr("id = \"a@b\""));
  const Session other(messages, {NamedKey("a", Bytes(16))});
  EXPECT_EQ(other[0].outcome, Outcome::kFailed);
}

TEST(Builder, WrongChainsAreMade) {
  EXPECT_EQ(Built(R"({"header": {"version": 2, "data_type": 200, "next_payload": "V"}})"),
            "02c80900000000000001");
  // SIGN ends the chain; what stands behind it nobody reads.
  EXPECT_EQ(Built(R"({"payloads": [{"type": "SIGN", "signature": ""}, {"type": "RAND"}]})"),
            "010004000000000000010000"
            "0000");
  EXPECT_EQ(Built(R"({"payloads": [{"type": "RAND", "next_payload": 99}, {"type": "RAND"}]})"),
            "01000b00000000000001"
            "6300"
            "0000");
  EXPECT_EQ(Built(R"({"payloads": [{"type": 99, "body": "0102"}, {"type": "T", "body": "09"}]})"),
            "01006300000000000001"
            "050102"
            "0009");
  EXPECT_EQ(Built(R"({"header": {"cs_id_map_type": 0, "cs_count": 3, "map": "0102"}})"),
            "010000000000000003000102");
}

TEST(Builder, ANumberThatNoDoubleHoldsIsRefused) {
  EXPECT_THAT(Built("8e999"), HasSubstr("refused: "));
  EXPECT_THAT(Built(R"({"header": {"csb_id": 8e999}})"), HasSubstr("refused: "));
}

TEST(Builder, OfWhatIsNoJsonNothingIsSaidAgain) {
  EXPECT_THAT(Built(R"({"key": "00112233445566778899aabbccddeeff)"), Not(HasSubstr("001122")));
  EXPECT_THAT(Built("1112131415161718191a1b1c1d1e1f20"), Not(HasSubstr("111213")));
  EXPECT_THAT(Built("{\"a\": \"x\x9b"), Not(HasSubstr("\x9b")));
}

TEST(Builder, WhatIsWrongByMistakeIsToldWithItsPlace) {
  const std::pair<const char*, const char*> kCases[] = {
      {"{", "no JSON: octet 2 is wrong"},
      {"[1]", "message 1: an object"},
      {R"({"payload": []})", "payload: there is no such member"},
      {R"({"header": {"csb": 1}})", "header: csb: there is no such field"},
      {R"({"header": {"csb_id": -1}})", "csb_id"},
      {R"({"header": {"csb_id": 4294967296}})", "csb_id"},
      {R"({"header": {"prf_func": "MD5"}})", "prf_func"},
      {R"({"header": {"cs_count": 255}})", "malformed"},
      {R"({"payloads": [{"type": "T"}]})", "payloads[0]: ts_value: 4 octets"},
      {R"({"payloads": [{"type": "T", "ts_type": 9}]})", "unsupported_algorithm"},
      {R"({"payloads": [{"type": "T", "ts_value": 4294967296}]})", "ts_value"},
      {R"({"payloads": [{"type": "RAND", "rand": "0"}]})", "rand"},
      {R"({"payloads": [{"type": "Key data"}]})", "`body` or `rest`"},
      {R"({"payloads": [{"type": "NONE"}]})", "type"},
      {R"({"payloads": [{"type": "SP", "params": "0102"}]})", "malformed"},
      {R"({"payloads": [{"type": "SP", "params": [{"type": "No such"}]}]})", "params"},
      {R"({"payloads": [{"type": "RAND", "seal": {}}]})", "seal"},
      {R"({"patch": [{"at": 10, "octets": "00"}]})", "patch: the message ends before"},
      {R"({"payloads": [{"type": "KEMAC", "seal": {"key": "none"}}]})", "no key \"none\""},
      {R"({"payloads": [{"type": "KEMAC", "seal": {"key": "psk"}}]})", "rand: neither"},
      {R"({"payloads": [{"type": "KEMAC", "seal": {"keys": 1}}]})", "keys"},
      {R"({"payloads": [{"type": "KEMAC", "seal": {"kex": 1}}]})", "kex"},
  };
  for (const auto& [text, expected] : kCases) {
    const std::string built = Built(text, WorkedKeys());
    EXPECT_THAT(built, HasSubstr("refused: ")) << text;
    EXPECT_THAT(built, HasSubstr(expected)) << text;
  }
}

}  // namespace
}  // namespace keymast::tools
