// SPDX-License-Identifier: Apache-2.0
// What keys tell of messages: outcome, reason, keys that follow.
#include <gmock/gmock.h>

#include "tests/unit/tools/messages.h"
#include "tools/builder.h"

namespace keymast::tools {
namespace {

using mikey::Hex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<Bytes> kDelivery = {mikey::MskOctets(), mikey::MtkOctets(),
                                      mikey::VerificationOctets()};

std::vector<std::string> NamesOf(const DerivedKeys& keys) {
  std::vector<std::string> names;
  for (const DerivedKey& key : keys) names.push_back(key.name);
  return names;
}

class One {
 public:
  explicit One(const Bytes& octets, Keys keys = {}, std::vector<Bytes> rands = {})
      : run_({octets}, std::move(keys), std::move(rands)) {}
  const Decoded* operator->() const { return &run_[0]; }
  const Decoded& operator*() const { return run_[0]; }

 private:
  Session run_;
};

TEST(Decoder, WithoutAKeyAMessageIsWellFormedAndNoMore) {
  const One decoded(kPskInit);
  EXPECT_EQ(decoded->outcome, Outcome::kUnverified);
  EXPECT_THAT(decoded->reason, HasSubstr("no key"));
  EXPECT_EQ(decoded->kind, "Pre-shared");
}

TEST(Decoder, WorkedMessagesGiveTheirKeys) {
  const std::vector<Bytes> messages{kPskInit, kPskAnswer};
  const Session decoded(messages, UserKeyOnly());
  EXPECT_THAT(decoded.Outcomes(), ElementsAre(Outcome::kVerified, Outcome::kVerified));
  EXPECT_EQ(decoded[0].key, "muk");
  EXPECT_THAT(NamesOf(decoded[0].derived),
              ElementsAre("encr_key", "salt_key", "auth_key", "TEK of CS 1"));
  EXPECT_EQ(ToHex(decoded[0].derived[0].octets), "0697b39199cbd53c48367cfe440f6bb7");
  EXPECT_EQ(ToHex(decoded[0].derived[1].octets), "507ce0a043d2435185e5b2d41100");
  EXPECT_EQ(ToHex(decoded[0].derived[2].octets), "6538a34bbd327059cc3372f26c5f476b5f182ccc");
  EXPECT_EQ(ToHex(decoded[0].derived[3].octets), "12d371e52777fce0c07454eb66f86713");
}

TEST(Decoder, AnMskMessageIsTheKeyToWhatFollows) {
  const Session decoded(kDelivery, UserKeyOnly());
  EXPECT_THAT(decoded.Outcomes(),
              ElementsAre(Outcome::kVerified, Outcome::kVerified, Outcome::kVerified));
  EXPECT_EQ(decoded[0].kind, "MSK message");
  EXPECT_EQ(decoded[1].kind, "MTK message");
  EXPECT_EQ(decoded[1].key, "MSK of message 1");
  EXPECT_EQ(decoded[2].kind, "verification message");
  // An MSK derives no TEK.
  EXPECT_THAT(NamesOf(decoded[0].derived), ElementsAre("encr_key", "salt_key", "auth_key"));
}

TEST(Decoder, AnMtkMessageAloneTakesItsRandFromOutside) {
  const Keys keys{NamedKey("msk", mikey::kMsk)};
  const One without(kDelivery[1], keys);
  EXPECT_EQ(without->outcome, Outcome::kUnverified);
  EXPECT_THAT(without->reason, HasSubstr("--rand"));
  EXPECT_EQ(One(kDelivery[1], keys, {mikey::kRand})->outcome, Outcome::kVerified);
  EXPECT_EQ(One(kDelivery[1], keys, {Bytes(16, 1), mikey::kRand})->outcome, Outcome::kVerified);
  EXPECT_EQ(One(kDelivery[1], keys, {Bytes(16, 1)})->outcome, Outcome::kFailed);
}

TEST(Decoder, AVerificationNeedsWhatItAnswers) {
  const One alone(kDelivery[2], UserKeyOnly());
  EXPECT_EQ(alone->outcome, Outcome::kUnverified);
  EXPECT_THAT(alone->reason, HasSubstr("answers"));
  mikey::Profile3gpp profile;
  profile.ids_in_verification = false;
  const std::vector<Bytes> bare{kDelivery[0], mikey::VerificationOctets(profile)};
  const Session decoded(bare, UserKeyOnly());
  EXPECT_EQ(decoded[1].outcome, Outcome::kVerified);
  EXPECT_THAT(decoded[1].reason, HasSubstr("identities"));
}

// As libmikey answers (docs/mikey.md, quirk 2).
TEST(Decoder, OfAnAnswerWithATOfItsOwnThatIsSaid) {
  const auto descriptions = ParseDescriptions(R"([
    {"payloads": [{"type": "T", "ts_value": 1},
                  {"type": "RAND", "rand": "000102030405060708090a0b0c0d0e0f"},
                  {"type": "KEMAC", "seal": {"key": "muk"}}]},
    {"header": {"data_type": "PSK ver msg"},
     "payloads": [{"type": "T", "ts_value": 2},
                  {"type": "V", "seal": {"key": "muk", "timestamp": "00000001"}}]}])");
  ASSERT_TRUE(descriptions) << descriptions.error().message;
  const auto messages = BuildMessages(*descriptions, UserKeyOnly(), crypto::DefaultSuite());
  ASSERT_TRUE(messages) << messages.error().message;
  const Session decoded(*messages, UserKeyOnly());
  EXPECT_EQ(decoded[1].outcome, Outcome::kVerified);
  EXPECT_THAT(decoded[1].reason, HasSubstr("T is not that of the message answered"));
}

TEST(Decoder, EveryFlippedOctetIsNoticed) {
  for (size_t at = 0; at < kPskInit.size(); ++at) {
    Bytes flipped = kPskInit;
    flipped[at] ^= 0x01;
    EXPECT_NE(One(flipped, UserKeyOnly())->outcome, Outcome::kVerified) << at;
  }
  for (size_t size = 0; size < kPskInit.size(); ++size) {
    const Bytes cut(kPskInit.begin(), kPskInit.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(One(cut, UserKeyOnly())->outcome, Outcome::kMalformed) << size;
  }
}

TEST(Decoder, AWrongKeyFailsAndAShortOneIsNotTried) {
  EXPECT_EQ(One(kPskInit, {NamedKey("a", Bytes(16))})->outcome, Outcome::kFailed);
  EXPECT_EQ(One(kPskInit, {NamedKey("a", Bytes(15))})->outcome, Outcome::kUnverified);
  Keys keys{NamedKey("", Bytes(16)), NamedKey("", mikey::kUserKey)};
  EXPECT_EQ(One(kPskInit, std::move(keys))->key, "key 2");
}

TEST(Decoder, WhatIsMissingIsMalformedAndWhatIsUnknownIsNot) {
  const One bare(Hex("01000000000000000001"), UserKeyOnly());
  EXPECT_EQ(bare->outcome, Outcome::kMalformed);
  EXPECT_EQ(bare->reason, "payload_missing");
  const One opaque(Hex("01006300000000000001000000"), UserKeyOnly());
  EXPECT_EQ(opaque->outcome, Outcome::kUnverified);
  EXPECT_EQ(opaque->reason, "unknown_payload");
  const One other(Hex("011a0500000000000001000200000001"), UserKeyOnly());
  EXPECT_EQ(other->outcome, Outcome::kUnverified);
  EXPECT_EQ(other->kind, "SAKKE msg");
}

// A PSK message with the algorithms given, its MAC made where there is one.
Bytes WithAlgorithms(mikey::EncrAlg encr, mikey::MacAlg mac) {
  mikey::Header header;
  std::array<uint8_t, 400> out{};
  mikey::ChainWriter chain(out, header);
  const Bytes t = Hex("00000007");
  chain.Add(mikey::TPayload{mikey::TsType::kCounter, t});
  chain.Add(mikey::RandPayload{mikey::kRand});
  mikey::KeyDataPayload key_data;
  key_data.key = mikey::kMsk;
  const mikey::PskContext context{
      {mikey::PrfFunc::kMikey1, encr, mac}, mikey::kUserKey, CsbId(0), mikey::kRand};
  const auto size =
      mikey::CloseWithKemac(crypto::DefaultSuite(), context, chain, {mikey::TsType::kCounter, t},
                            {&key_data, 1}, {true, mikey::kMinRand});
  EXPECT_TRUE(size);
  return Bytes(out.begin(), out.begin() + static_cast<ptrdiff_t>(size.value_or(0)));
}

TEST(Decoder, OfVersion2TheFormIsChecked) {
  const std::string rand(32, '7');
  const std::string finish =
      "02f30f01112233440001"
      "0f0110" +
      rand + "090210" + rand;
  const One whole(Hex(finish + "0002" + std::string(64, '8')), UserKeyOnly());
  EXPECT_EQ(whole->outcome, Outcome::kUnverified);
  EXPECT_EQ(whole->kind, "PSK_FIN");
  const One bare(Hex("02f30f01112233440001"
                     "0f0110" +
                     rand + "000210" + rand),
                 UserKeyOnly());
  EXPECT_EQ(bare->outcome, Outcome::kMalformed);
  EXPECT_EQ(bare->reason, "payload_missing");
}

TEST(Decoder, NullProtectsNothing) {
  using mikey::EncrAlg;
  using mikey::MacAlg;
  const Bytes clear = WithAlgorithms(EncrAlg::kNull, MacAlg::kHmacSha1_160);
  const One in_clear(clear, UserKeyOnly());
  EXPECT_EQ(in_clear->outcome, Outcome::kUnverified);
  EXPECT_THAT(in_clear->reason, HasSubstr("NULL encryption"));
  EXPECT_EQ(One(clear, {NamedKey("a", Bytes(16))})->outcome, Outcome::kFailed);
  const Bytes unauthenticated = WithAlgorithms(EncrAlg::kAesCm128, MacAlg::kNull);
  const One guessed(unauthenticated, UserKeyOnly());
  EXPECT_EQ(guessed->outcome, Outcome::kUnverified);
  EXPECT_THAT(guessed->reason, HasSubstr("muk"));
  EXPECT_THAT(TextOf(*guessed), HasSubstr("Decrypted"));
  const Bytes nothing = WithAlgorithms(EncrAlg::kNull, MacAlg::kNull);
  EXPECT_THAT(One(nothing, UserKeyOnly())->reason, HasSubstr("NULL MAC"));
}

TEST(Decoder, EverySuiteOfTheCodecIsVerified) {
  for (const auto prf : {mikey::PrfFunc::kMikey1, mikey::PrfFunc::kHmacSha256}) {
    for (const auto encr : {mikey::EncrAlg::kAesCm128, mikey::EncrAlg::kAesCm256}) {
      for (const auto mac : {mikey::MacAlg::kHmacSha1_160, mikey::MacAlg::kHmacSha256_256}) {
        mikey::Profile3gpp profile;
        profile.prf = prf;
        profile.encr_alg = encr;
        profile.mac_alg = mac;
        const std::vector<Bytes> messages{mikey::MskOctets(profile), mikey::MtkOctets(profile),
                                          mikey::VerificationOctets(profile)};
        const Session decoded(messages, UserKeyOnly());
        EXPECT_THAT(decoded.Outcomes(),
                    ElementsAre(Outcome::kVerified, Outcome::kVerified, Outcome::kVerified));
      }
    }
  }
}

TEST(Decoder, TheWorstOutcomeIsTheOneThatSaysLeast) {
  EXPECT_EQ(Worse(Outcome::kVerified, Outcome::kUnverified), Outcome::kUnverified);
  EXPECT_EQ(Worse(Outcome::kFailed, Outcome::kUnverified), Outcome::kFailed);
  EXPECT_EQ(Worse(Outcome::kFailed, Outcome::kMalformed), Outcome::kMalformed);
}

}  // namespace
}  // namespace keymast::tools
