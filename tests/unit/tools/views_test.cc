// SPDX-License-Identifier: Apache-2.0
// What is shown: everything, nothing secret, no control sequence of the sender's.
#include <gmock/gmock.h>

#include <random>

#include "tests/unit/tools/messages.h"
#include "tools/spell.h"

namespace keymast::tools {
namespace {

using mikey::Hex;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kTgkOfWorked = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";
const std::string kTekOfWorked = "12d371e52777fce0c07454eb66f86713";
const std::string kPsk = "000102030405060708090a0b0c0d0e0f";

Session Worked() { return Session({kPskInit}, UserKeyOnly()); }

TEST(TextView, AFieldIsALineWithPlaceValueMeaningAndClause) {
  const std::string text = TextOf(Worked()[0]);
  const std::string line = [&] {
    const size_t at = text.find("4-7 ");
    return text.substr(at, text.find('\n', at) - at);
  }();
  EXPECT_THAT(line,
              testing::MatchesRegex("4-7 +csb_id = 305419896 \\(0x12345678\\) +RFC 3830 .*6\\.1"));
  for (const char* part : {"prf_func = 0 MIKEY-1", "id = \"bmsc@example.org\"", "SRTP encr alg",
                           "value = 01 AES-CM", "ts_value = e5a1b2c300000001 2022-01-31T00:58:43",
                           "Key data", "fingerprint", "verified under muk"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(TextView, WhatIsCutOrUnknownInsideAPayloadIsShownWithItsClause) {
  const Session decoded({Hex("01001500000000010000"
                             "00030003"
                             "00020a"),
                         Hex("01000a00000000010000"
                             "0000000004"
                             "63020102")},
                        {});
  EXPECT_THAT(TextOf(decoded[0]), testing::ContainsRegex("Not of its form +RFC 3830 .*6\\.1"));
  EXPECT_THAT(TextOf(decoded[0]), testing::ContainsRegex("15-16 +octets = 020a"));
  EXPECT_THAT(TextOf(decoded[1]), testing::ContainsRegex("Unknown parameter +RFC 3830 .*6\\.10"));
}

TEST(TextView, KeysAreShownOnlyWhenAskedFor) {
  const Session decoded = Worked();
  const std::string hidden = TextOf(decoded[0]);
  const std::string shown = TextOf(decoded[0], {false, true});
  for (const std::string& secret : {kTgkOfWorked, kTekOfWorked}) {
    EXPECT_THAT(hidden, Not(HasSubstr(secret)));
    EXPECT_THAT(shown, HasSubstr(secret));
  }
  EXPECT_THAT(shown, Not(HasSubstr(kPsk)));
}

TEST(JsonView, KeysAreShownOnlyWhenAskedFor) {
  const Session decoded = Worked();
  const std::string hidden = JsonOf(decoded[0], {}, 1, false).dump();
  const std::string shown = JsonOf(decoded[0], {}, 1, true).dump();
  for (const std::string& secret : {kTgkOfWorked, kTekOfWorked}) {
    EXPECT_THAT(hidden, Not(HasSubstr(secret)));
    EXPECT_THAT(shown, HasSubstr(secret));
  }
}

TEST(JsonView, NothingIsLeftOut) {
  const Json json = JsonOf(Worked()[0], {}, 1, false);
  EXPECT_EQ(json["octets"], ToHex(kPskInit));
  EXPECT_EQ(json["outcome"], "verified");
  EXPECT_EQ(json["key"]["name"], "muk");
  const Json& kemac = json["fields"].back();
  EXPECT_EQ(kemac["group"], "KEMAC");
  EXPECT_EQ(kemac["fields"][4]["group"], "Decrypted");
  EXPECT_EQ(kemac["fields"][4]["offset"], 122);
}

// OnlyOurs is true for printable ASCII, line feeds and the section sign of clauses.
bool OnlyOurs(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "\xc2\xa7") {
      ++i;
      continue;
    }
    if (text[i] != '\n' && (text[i] < 0x20 || text[i] > 0x7e)) return false;
  }
  return true;
}

TEST(TextView, WhatTheSenderWritesNeverReachesTheTerminal) {
  const Bytes escape = Hex("1b5d303b1b5b324a07");
  std::array<uint8_t, 400> out{};
  mikey::ChainWriter chain(out, {});
  chain.Add(mikey::IdPayload{mikey::IdType::kNai, escape});
  chain.Add(mikey::ExtPayload{mikey::ExtType::kVendorId, escape});
  const Bytes octets(out.begin(), out.begin() + static_cast<ptrdiff_t>(chain.size()));
  EXPECT_TRUE(OnlyOurs(TextOf(Session({octets}, {})[0])));
  std::mt19937_64 random(1);
  for (int i = 0; i < 500; ++i) {
    Bytes mutated = i % 2 == 0 ? kPskInit : mikey::MskOctets();
    for (int flips = 0; flips < 4; ++flips) {
      mutated[random() % mutated.size()] = static_cast<uint8_t>(random());
    }
    const Session decoded({mutated}, UserKeyOnly());
    EXPECT_TRUE(OnlyOurs(TextOf(decoded[0])));
    // Strict UTF-8, or dump throws.
    EXPECT_FALSE(JsonOf(decoded[0], {}, 1, true).dump().empty());
  }
}

TEST(TextView, WhatIsNotUnderstoodIsShownAsOctets) {
  const Bytes octets = Hex("010063000000000000010001020304");
  const Session decoded({octets}, {});
  const std::string text = TextOf(decoded[0]);
  EXPECT_THAT(text, HasSubstr("Not understood"));
  EXPECT_THAT(text, HasSubstr("0001020304"));
  EXPECT_THAT(text, HasSubstr("unknown_payload"));
}

TEST(Spell, TimesAreUtcAndCountersNumbers) {
  using mikey::TsType;
  EXPECT_EQ(SpellTime(TsType::kNtpUtc, Hex("83aa7e8080000000")), "1970-01-01T00:00:00.500Z");
  EXPECT_EQ(SpellTime(TsType::kNtp, Hex("ffffffff00000000")), "2036-02-07T06:28:15.000Z");
  EXPECT_EQ(SpellTime(TsType::kNtpUtc, Hex("0000000000000000")), "2036-02-07T06:28:16.000Z");
  EXPECT_EQ(SpellTime(TsType::kNtpUtc32, Hex("83aa7e80")), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(SpellTime(TsType::kCounter, Hex("00000102")), "258");
  EXPECT_EQ(SpellTime(TsType::kCounter, Hex("0102")), "");
}

TEST(Spell, QuotesHideWhatIsNotPrintable) {
  EXPECT_EQ(Quoted(Hex("41225c0a7f80")), "\"A\\\"\\\\\\x0a\\x7f\\x80\"");
}

TEST(Spell, TextsThatQuoteOthersAreHarmless) {
  EXPECT_EQ(Harmless("RFC 3830 §4.1 …"), "RFC 3830 §4.1 …");
  EXPECT_EQ(Harmless("a\x1b[2Jb\xc2\x9bZ\x7f"), "a\\x1b[2Jb\xc2\\x9bZ\\x7f");
}

}  // namespace
}  // namespace keymast::tools
