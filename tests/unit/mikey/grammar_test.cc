// SPDX-License-Identifier: Apache-2.0
#include "mikey/grammar.h"

#include "tests/unit/mikey/sample.h"

namespace keymast::mikey {
namespace {

Status Check(const Bytes& octets, Form form) {
  Message message;
  if (Status parsed = ParseMessage(octets, message); !parsed) return parsed;
  return CheckGrammar(message, form);
}

TEST(Grammar, EachMessageHasItsForm) {
  EXPECT_TRUE(Check(MskOctets(), Form::kMsk));
  EXPECT_TRUE(Check(MtkOctets(), Form::kMtk));
  EXPECT_TRUE(Check(VerificationOctets(), Form::kVerification));
  EXPECT_TRUE(Check(VerificationOctets(), Form::kPskVerification));
  EXPECT_TRUE(Check(MskOctets(), Form::kPsk));  // the plain form allows for more
}

TEST(Grammar, NoMessageHasAnothersForm) {
  EXPECT_EQ(Check(MskOctets(), Form::kMtk).error(), Error::kPayloadUnexpected);
  EXPECT_EQ(Check(MtkOctets(), Form::kMsk).error(), Error::kPayloadMissing);
  EXPECT_EQ(Check(MskOctets(), Form::kVerification).error(), Error::kUnknownDataType);
  EXPECT_EQ(Check(VerificationOctets(), Form::kMsk).error(), Error::kUnknownDataType);
}

TEST(Grammar, HeaderAloneIsNothing) {
  const Bytes header = Hex("01000000000000000001");
  for (const Form form : {Form::kPsk, Form::kMsk, Form::kMtk}) {
    EXPECT_EQ(Check(header, form).error(), Error::kPayloadMissing);
  }
}

TEST(Grammar, VerificationOf3gppNamesTheResponder) {
  const Bytes anonymous =
      Hex("01010500000000000001"
          "0900e5a1b2c300000001"
          "0001"
          "0102030405060708090a0b0c0d0e0f1011121314");
  EXPECT_TRUE(Check(anonymous, Form::kPskVerification));
  EXPECT_EQ(Check(anonymous, Form::kVerification).error(), Error::kPayloadMissing);
}

TEST(Grammar, NoMoreOfAPayloadThanTheTableSays) {
  Message message;
  const Bytes octets = MtkOctets();
  ASSERT_TRUE(ParseMessage(octets, message));
  Bytes out(1000);
  ChainWriter chain(out, message.header);
  for (int i = 0; i < 8; ++i) chain.Add(ExtPayload{ExtType{241}, kIdi});
  for (const Payload& payload : message.chain()) {
    std::visit([&chain](const auto& p) { chain.Add(p); }, payload);
  }
  out.resize(chain.size());
  EXPECT_EQ(Check(out, Form::kMtk).error(), Error::kPayloadUnexpected);
}

}  // namespace
}  // namespace keymast::mikey
