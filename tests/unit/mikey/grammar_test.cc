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

// FormCase is a message line of the RFC, with all that it may have, and what of it must be there.
struct FormCase {
  Form form;
  std::vector<PayloadType> full;
  std::vector<PayloadType> needed;
};

using enum PayloadType;
const FormCase kForms[] = {
    {Form::kPsk, {kT, kRand, kId, kId, kSp, kExt, kKemac}, {kT, kKemac}},
    {Form::kPskVerification, {kT, kId, kExt, kV}, {kT, kV}},
    {Form::kPk,
     {kT, kRand, kId, kCert, kId, kSp, kExt, kKemac, kChash, kPke, kSign},
     {kT, kKemac, kPke, kSign}},
    {Form::kPkVerification, {kT, kId, kExt, kV}, {kT, kV}},
    {Form::kDhInit, {kT, kRand, kId, kCert, kId, kSp, kExt, kDh, kSign}, {kT, kSign}},
    {Form::kDhResp, {kT, kId, kCert, kId, kExt, kDh, kDh, kSign}, {kT, kSign}},
    {Form::kError, {kT, kId, kErr, kErr, kSp, kExt, kV}, {kT, kErr}},
    {Form::kDhhmacInit, {kT, kRand, kId, kId, kSp, kExt, kDh, kKemac}, {kT, kKemac}},
    {Form::kDhhmacResp, {kT, kId, kId, kExt, kDh, kDh, kKemac}, {kT, kKemac}},
    {Form::kRsarInit, {kT, kRand, kId, kCert, kId, kSp, kExt, kSign}, {kT, kSign}},
    {Form::kRsarResp,
     {kExt, kT, kRand, kId, kCert, kSp, kKemac, kPke, kSign},
     {kT, kKemac, kPke, kSign}},
    {Form::kMsk, {kExt, kT, kRand, kId, kId, kSp, kKemac}, {kExt, kT, kRand, kId, kKemac}},
    {Form::kMtk, {kExt, kT, kKemac}, {kExt, kT, kKemac}},
    {Form::kVerification, {kT, kId, kExt, kV}, {kT, kId, kV}},
};

DataType DataTypeOf(Form form) {
  if (form == Form::kMsk || form == Form::kMtk) return DataType::kPskInit;
  if (form == Form::kVerification) return DataType::kPskVerification;
  return static_cast<DataType>(form);
}

// Of is a message with those payloads, empty ones, checked as `form`.
Status Of(const std::vector<PayloadType>& types, Form form) {
  Message message;
  message.header.data_type = DataTypeOf(form);
  message.header.map_type = CsIdMapType::kSrtpId;
  const auto add = [&message](PayloadType type, const auto& example) {
    if (example.kInfo.type == type) message.payloads.Add(example);
  };
  for (const PayloadType type : types) {
    [&]<size_t... I>(std::index_sequence<I...>) {
      (add(type, std::variant_alternative_t<I, Payload>{}), ...);
    }
    (std::make_index_sequence<std::variant_size_v<Payload> - 1>());
  }
  EXPECT_EQ(message.chain().size(), types.size());
  return CheckGrammar(message, form);
}

class Forms : public testing::TestWithParam<FormCase> {};

TEST_P(Forms, TakeTheirLineAndWhatOfItMustBeThere) {
  const FormCase& line = GetParam();
  EXPECT_TRUE(Of(line.full, line.form));
  for (const PayloadType type : line.needed) {
    std::vector<PayloadType> less = line.full;
    less.erase(std::find(less.begin(), less.end(), type));
    if (type == kErr) less.erase(std::find(less.begin(), less.end(), type));
    const Status status = Of(less, line.form);
    EXPECT_EQ(status ? Error::kInternal : status.error(), Error::kPayloadMissing)
        << static_cast<int>(type);
  }
}

TEST_P(Forms, TakeNoOtherPayload) {
  const FormCase& line = GetParam();
  for (const CodePoint& point : CodePointsOf<PayloadType>()) {
    const auto type = static_cast<PayloadType>(point.value);
    const bool described = point.value >= 1 && point.value <= 15;
    const bool is_of_form = std::count(line.full.begin(), line.full.end(), type) > 0;
    // An error message has V or SIGN, not both.
    if (!described || is_of_form || (line.form == Form::kError && type == kSign)) continue;
    std::vector<PayloadType> more = line.full;
    more.insert(more.begin(), type);
    EXPECT_EQ(Of(more, line.form).error(), Error::kPayloadUnexpected) << point.name;
  }
}

TEST_P(Forms, AreClosedByTheirProof) {
  const FormCase& line = GetParam();
  std::vector<PayloadType> turned = line.full;
  std::rotate(turned.begin(), turned.end() - 1, turned.end());
  EXPECT_EQ(Of(turned, line.form).error(), Error::kPayloadUnexpected);
}

TEST_P(Forms, HaveOneOfWhatThereIsOneOf) {
  const FormCase& line = GetParam();
  std::vector<PayloadType> twice = line.full;
  twice.insert(twice.begin(), kT);
  EXPECT_EQ(Of(twice, line.form).error(), Error::kPayloadUnexpected);
  std::vector<PayloadType> three = line.full;
  three.insert(three.begin(), {kId, kId});
  EXPECT_EQ(Of(three, line.form).error(), Error::kPayloadUnexpected);
}

TEST_P(Forms, HaveFourCertificatesAtMost) {
  const FormCase& line = GetParam();
  const auto cert = std::ranges::find(line.full, kCert);
  if (cert == line.full.end()) return;
  std::vector<PayloadType> more = line.full;
  const auto at = cert - line.full.begin();
  more.insert(more.begin() + at, 3, kCert);
  EXPECT_TRUE(Of(more, line.form));
  more.insert(more.begin() + at, kCert);
  EXPECT_EQ(Of(more, line.form).error(), Error::kPayloadUnexpected);
}

INSTANTIATE_TEST_SUITE_P(All, Forms, testing::ValuesIn(kForms), [](const auto& row) {
  return "Form" + std::to_string(static_cast<int>(row.param.form));
});

TEST(Grammar, AnErrorHasOneProofAtMost) {
  EXPECT_TRUE(Of({kT, kErr}, Form::kError));
  EXPECT_TRUE(Of({kT, kErr, kSign}, Form::kError));
  EXPECT_EQ(Of({kT, kErr, kV, kSign}, Form::kError).error(), Error::kPayloadUnexpected);
  EXPECT_EQ(Of({kT, kV, kErr}, Form::kError).error(), Error::kPayloadUnexpected);
}

}  // namespace
}  // namespace keymast::mikey
