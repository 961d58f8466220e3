// SPDX-License-Identifier: Apache-2.0
// The lines of MIKEYv2 §3.4: each is taken as it stands, and nothing else is.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "mikey/v2/grammar.h"

namespace keymast::mikey::v2 {
namespace {

const Bytes kOctets(600, 7);
ByteView Some(size_t size) { return ByteView(kOctets).first(size); }

const RandrPayload kRandI{RandRole::kInitiator, Some(32)};
const RandrPayload kRandR{RandRole::kResponder, Some(32)};
const CapPayload kCap{1, {}};
const Bytes kCookieTlv = {11, 0, 1, 7};
const Bytes kFreshTlv = {12, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
const CapPayload kCookie{1, kCookieTlv};
const CapPayload kFresh{1, kFreshTlv};
const IdrPayload kIdI{IdRole::kInitiator, IdType::kNai, Some(10)};
const IdrPayload kIdR{IdRole::kResponder, IdType::kUri, Some(10)};
const CertPayload kCert{CertType::kX509, Some(100)};
const ChashPayload kChash{HashFunc::kSha256, Some(32)};
const SpPayload kSp{0, ProtType::kSrtp, {}};
const DhPayload kDh{DhGroup::kX25519, Some(32), 0, {}};
const PkePayload kPke{Cache::kNone, Some(256)};
const KemacPayload kKemac{EncrAlg::kAesCm256, Some(40), MacAlg::kHmacSha256_256, Some(32)};
const KemacPayload kMacAlone{EncrAlg::kAesCm256, {}, MacAlg::kHmacSha256_256, Some(32)};
const VPayload kV{MacAlg::kHmacSha256_256, Some(32)};
const SignPayload kSign{SignatureType::kEd25519, Some(64)};
const TPayload kT{TsType::kCounter, Some(4)};
const ErrPayload kErr{ErrorNumber::kInvalidId, 0};
const FragmentPayload kFragment{Some(16), 0, 2, Some(9)};
const PaddingPayload kPadding{};
ExtPayload Ext(ExtType type) { return {type, Some(4)}; }
const ExtPayload kKeyIds = Ext(ExtType::kKeyIds);
const ExtPayload kVendor = Ext(ExtType::kVendorId);

struct Item {
  Payload payload;
  bool needed = true;
};
Item Maybe(const Payload& payload) { return {payload, false}; }

struct Line {
  Form form;
  DataType type;
  std::vector<Item> items;
};

const std::vector<Line>& Lines() {
  static const std::vector<Line> lines = {
      {Form::kCap,
       DataType::kCap,
       {{kRandI},
        {kCap},
        {kIdI},
        Maybe(kCert),
        Maybe(kCert),
        Maybe(kIdR),
        Maybe(kKeyIds),
        Maybe(Ext(ExtType::kSdpIds)),
        Maybe(kVendor),
        Maybe(kDh),
        Maybe(kPadding),
        Maybe(kV),
        Maybe(kSign)}},
      {Form::kPskResp,
       DataType::kPskResp,
       {{kRandI}, {kRandR}, {kCap}, {kIdR}, Maybe(kSp), Maybe(kSp), Maybe(kVendor), {kKemac}}},
      {Form::kRsaResp,
       DataType::kRsaResp,
       {{kRandI}, {kRandR}, {kCap}, {kIdR}, Maybe(kChash), Maybe(kSp), {kKemac}, {kPke}, {kSign}}},
      {Form::kDhResp,
       DataType::kDhRespV2,
       {{kRandI}, {kRandR}, {kCap}, {kChash}, Maybe(kSp), Maybe(kVendor), {kDh}, {kSign}}},
      {Form::kEarlyDhResp,
       DataType::kDhRespV2,
       {{kRandI}, {kRandR}, {kCap}, {kCert}, Maybe(kSp), {kDh}, {kKemac}, {kSign}}},
      {Form::kDhhmacResp,
       DataType::kDhhmacRespV2,
       {{kRandI}, {kRandR}, {kCap}, {kIdR}, Maybe(kSp), {kDh}, {kKemac}}},
      {Form::kVFin, DataType::kPskFin, {{kRandI}, {kRandR}, Maybe(kSp), Maybe(kVendor), {kV}}},
      {Form::kVFin, DataType::kDhFin, {{kRandI}, {kRandR}, {kV}}},
      {Form::kDhFin, DataType::kDhFin, {{kRandI}, {kRandR}, Maybe(kSp), {kDh}, {kSign}}},
      {Form::kDhhmacFin,
       DataType::kDhhmacFin,
       {{kRandI}, {kRandR}, Maybe(kSp), {kDh}, {kMacAlone}}},
      {Form::kKeys,
       DataType::kKeys,
       {{kRandI}, {kRandR}, Maybe(kFresh), Maybe(kSp), Maybe(kVendor), {kKemac}}},
      {Form::kKeys, DataType::kKeys, {{kRandR}, Maybe(kFresh), {kT}, Maybe(kSp), {kKemac}}},
      {Form::kError, DataType::kError, {{kRandI}, {kErr}}},
      {Form::kError, DataType::kError, {{kRandI}, {kRandR}, {kErr}, {kV}}},
      {Form::kError, DataType::kError, {{kRandI}, {kRandR}, {kChash}, {kErr}, {kSign}}},
      {Form::kRetry, DataType::kRetry, {{kRandI}, {kCookie}}},
      {Form::kRetry, DataType::kRetry, {{kFragment}, {kCookie}}},
      {Form::kFragment, DataType::kFragment, {Maybe(kCookie), {kFragment}}},
      {Form::kReport,
       DataType::kReport,
       {{kRandI},
        {kT},
        {kIdI},
        {kIdR},
        {kKeyIds},
        {Ext(ExtType::kReport)},
        Maybe(Ext(ExtType::kTicket)),
        Maybe(kPadding),
        {kV}}},
      {Form::kGroupRekey,
       DataType::kGroupRekey,
       {{kT},
        {kKeyIds},
        {Ext(ExtType::kUpdate)},
        Maybe(Ext(ExtType::kTreeUpdate)),
        Maybe(Ext(ExtType::kKeyRoll)),
        Maybe(kKemac),
        Maybe(Ext(ExtType::kFilterMac)),
        {Ext(ExtType::kMerklePath)},
        {kSign}}},
  };
  return lines;
}

Status Match(
    const Line& line, const std::vector<Payload>& payloads,
    const std::function<void(Header&)>& change = [](Header&) {}) {
  Message message;
  message.header.version = kVersion2;
  message.header.data_type = line.type;
  message.header.prf = PrfFunc::kHmacSha256;
  change(message.header);
  for (const Payload& payload : payloads) {
    std::visit([&message](const auto& p) { message.payloads.Add(p); }, payload);
  }
  const auto parts = ReadParts(message, line.form);
  return parts ? Status() : Err(parts.error());
}

std::vector<Payload> All(const Line& line) {
  std::vector<Payload> payloads;
  for (const Item& item : line.items) payloads.push_back(item.payload);
  return payloads;
}

TEST(FormsOfVersion2, AreTakenWithAndWithoutWhatMayBeThere) {
  for (const Line& line : Lines()) {
    EXPECT_TRUE(Match(line, All(line))) << static_cast<int>(line.form);
    std::vector<Payload> least;
    for (const Item& item : line.items) {
      if (item.needed) least.push_back(item.payload);
    }
    EXPECT_TRUE(Match(line, least)) << static_cast<int>(line.form);
  }
}

TEST(FormsOfVersion2, MissNothingThatMustBeThere) {
  for (const Line& line : Lines()) {
    for (size_t i = 0; i < line.items.size(); ++i) {
      if (!line.items[i].needed) continue;
      std::vector<Payload> payloads = All(line);
      payloads.erase(payloads.begin() + static_cast<ptrdiff_t>(i));
      EXPECT_FALSE(Match(line, payloads)) << static_cast<int>(line.form) << " " << i;
    }
  }
}

TEST(FormsOfVersion2, KeepTheirOrder) {
  for (const Line& line : Lines()) {
    for (size_t i = 0; i + 1 < line.items.size(); ++i) {
      std::vector<Payload> payloads = All(line);
      if (payloads[i].index() == payloads[i + 1].index() &&
          TypeOf(payloads[i]) != PayloadType::kExt && TypeOf(payloads[i]) != PayloadType::kRandr &&
          TypeOf(payloads[i]) != PayloadType::kIdr) {
        continue;  // two of a kind
      }
      std::swap(payloads[i], payloads[i + 1]);
      EXPECT_FALSE(Match(line, payloads)) << static_cast<int>(line.form) << " " << i;
    }
  }
}

TEST(FormsOfVersion2, TakeNothingTwiceAndNothingElse) {
  const std::vector<Payload> strangers = {kRandI,
                                          kRandR,
                                          kCap,
                                          kIdI,
                                          kIdR,
                                          kChash,
                                          kDh,
                                          kPke,
                                          kV,
                                          kT,
                                          kErr,
                                          kFragment,
                                          RandPayload{Some(16)},
                                          IdPayload{IdType::kNai, Some(4)}};
  for (const Line& line : Lines()) {
    for (size_t at = 0; at <= line.items.size(); ++at) {
      for (const Payload& stranger : strangers) {
        // Some lines may have one more of these there.
        const bool may =
            TypeOf(stranger) == PayloadType::kCap || TypeOf(stranger) == PayloadType::kIdr ||
            TypeOf(stranger) == PayloadType::kV || TypeOf(stranger) == PayloadType::kRandr ||
            TypeOf(stranger) == PayloadType::kChash || TypeOf(stranger) == PayloadType::kDh;
        const std::vector<Payload> all = All(line);
        const bool has = std::any_of(all.begin(), all.end(), [&](const Payload& p) {
          return TypeOf(p) == TypeOf(stranger);
        });
        if (may && !has) continue;
        std::vector<Payload> payloads = all;
        payloads.insert(payloads.begin() + static_cast<ptrdiff_t>(at), stranger);
        EXPECT_FALSE(Match(line, payloads))
            << static_cast<int>(line.form) << " " << NameOf(TypeOf(stranger)) << " at " << at;
      }
    }
  }
}

Line LineOf(Form form) {
  for (const Line& line : Lines()) {
    if (line.form == form) return line;
  }
  return {};
}

TEST(FormsOfVersion2, RefuseWhatAHeaderMayNotBe) {
  for (const Line& line : Lines()) {
    EXPECT_FALSE(Match(line, All(line), [](Header& h) { h.v_flag = true; }));
    EXPECT_EQ(Match(line, All(line), [](Header& h) { h.version = kVersion1; }).error(),
              Error::kUnknownVersion);
    EXPECT_EQ(Match(line, All(line), [](Header& h) { h.data_type = DataType::kPskInit; }).error(),
              Error::kUnknownDataType);
    EXPECT_FALSE(Match(line, All(line), [](Header& h) { h.cs_count = 1; }));
    const bool may_choose = IsAnswer(line.type) || IsFinish(line.type) ||
                            line.type == DataType::kKeys || line.type == DataType::kError;
    const auto with_other_prf = [](Header& h) { h.prf = PrfFunc::kMikey1; };
    EXPECT_EQ(Match(line, All(line), with_other_prf).has_value(), may_choose);
    EXPECT_FALSE(Match(line, All(line), [](Header& h) { h.map_type = CsIdMapType::kSrtpId; }));
    const bool may_have_map = IsAnswer(line.type) || line.type == DataType::kKeys;
    const auto with_map = [](Header& h) {
      h.map_type = CsIdMapType::kGenericId;
      h.cs_count = 1;
    };
    EXPECT_EQ(Match(line, All(line), with_map).has_value(), may_have_map);
  }
}

TEST(FormsOfVersion2, TellCookieAndFreshWhereTheirLinesHaveThem) {
  Bytes both = kCookieTlv;
  both.insert(both.end(), kFreshTlv.begin(), kFreshTlv.end());
  Bytes more = both;
  more.insert(more.end(), {200, 0, 1, 7});
  const Bytes none;
  const auto is_taken = [](Form form, const Bytes& tlvs) {
    std::vector<Payload> payloads = All(LineOf(form));
    for (Payload& payload : payloads) {
      if (auto* cap = std::get_if<CapPayload>(&payload)) cap->tlvs = tlvs;
    }
    return Match(LineOf(form), payloads).has_value();
  };
  EXPECT_TRUE(is_taken(Form::kRetry, kCookieTlv));
  EXPECT_TRUE(is_taken(Form::kRetry, both));
  EXPECT_FALSE(is_taken(Form::kRetry, kFreshTlv));
  EXPECT_TRUE(is_taken(Form::kFragment, kCookieTlv));
  EXPECT_FALSE(is_taken(Form::kFragment, both));
  EXPECT_TRUE(is_taken(Form::kKeys, kFreshTlv));
  EXPECT_FALSE(is_taken(Form::kKeys, both));
  for (const Form form : {Form::kRetry, Form::kFragment, Form::kKeys}) {
    EXPECT_FALSE(is_taken(form, none));
    EXPECT_FALSE(is_taken(form, more));
  }
}

TEST(FormsOfVersion2, RefuseFieldsThatMeanNothing) {
  const auto is_taken = [](Form form, const Payload& wrong) {
    const Line line = LineOf(form);
    std::vector<Payload> payloads = All(line);
    for (Payload& payload : payloads) {
      const bool is_role = TypeOf(payload) == PayloadType::kRandr;
      if (payload.index() == wrong.index() && (!is_role || &payload == &payloads[0]))
        payload = wrong;
    }
    return Match(line, payloads).has_value();
  };
  EXPECT_TRUE(is_taken(Form::kDhFin, kDh));
  EXPECT_FALSE(is_taken(Form::kDhFin, DhPayload{DhGroup::kX25519, Some(32), 1, {}}));
  const KeyValidity spi{KvType::kSpi, Some(4), {}, {}};
  EXPECT_FALSE(is_taken(Form::kDhFin, DhPayload{DhGroup::kX25519, Some(32), 0, spi}));
  EXPECT_FALSE(is_taken(Form::kRsaResp, PkePayload{Cache::kCache, Some(256)}));
  EXPECT_FALSE(is_taken(Form::kReport, TPayload{TsType::kNtpUtc32, Some(4)}));
  EXPECT_FALSE(is_taken(Form::kError, ErrPayload{ErrorNumber::kInvalidId, 1}));
  EXPECT_FALSE(is_taken(Form::kDhhmacFin, kKemac));  // with data
  EXPECT_FALSE(is_taken(Form::kDhResp, ChashPayload{HashFunc::kSha1, Some(20)}));
  EXPECT_FALSE(is_taken(Form::kCap, RandrPayload{RandRole::kInitiator, Some(15)}));
  EXPECT_TRUE(is_taken(Form::kCap, RandrPayload{RandRole::kInitiator, Some(16)}));
  EXPECT_FALSE(is_taken(Form::kCap, RandrPayload{RandRole::kInitiator, Some(33)}));
}

TEST(FormsOfVersion2, AnErrorNamesWhoSignsIt) {
  const Line line = LineOf(Form::kError);
  EXPECT_FALSE(Match(line, {kRandI, kRandR, kErr}));
  EXPECT_FALSE(Match(line, {kRandI, kErr, kV}));
  EXPECT_FALSE(Match(line, {kRandI, kRandR, kErr, kSign}));
  EXPECT_FALSE(Match(line, {kRandI, kRandR, kChash, kErr, kV}));
  EXPECT_FALSE(Match(line, {kRandI, kRandR, kChash, kErr, kV, kSign}));
}

TEST(FormsOfVersion2, ExtensionsWithAPlaceAreNotSkipped) {
  const Line line = LineOf(Form::kVFin);
  for (const CodePoint& point : CodePointsOf<ExtType>()) {
    const auto type = static_cast<ExtType>(point.value);
    const bool is_skipped =
        type == ExtType::kVendorId || type == ExtType::kTeslaIKey || type == ExtType::kOmaBcast;
    EXPECT_EQ(Match(line, {kRandI, kRandR, Ext(type), kV}).has_value(), is_skipped) << point.name;
  }
  for (const int other : {6, 200, 240, 251, 255}) {
    EXPECT_TRUE(Match(line, {kRandI, kRandR, Ext(static_cast<ExtType>(other)), kVendor, kV}))
        << other;
  }
}

TEST(FormsOfVersion2, WhatIsOpaqueSaysWhy) {
  const Line line = LineOf(Form::kVFin);
  const OpaquePayload unknown{PayloadType::kTicket, Some(5), Error::kUnknownPayload};
  const OpaquePayload algorithm{PayloadType::kV, Some(5), Error::kUnsupportedAlgorithm};
  EXPECT_EQ(Match(line, {kRandI, kRandR, unknown}).error(), Error::kUnknownPayload);
  EXPECT_EQ(Match(line, {kRandI, kRandR, algorithm}).error(), Error::kUnsupportedAlgorithm);
}

TEST(FormsOfVersion2, PointAtTheirParts) {
  Message message;
  message.header.version = kVersion2;
  message.header.prf = PrfFunc::kHmacSha256;
  message.header.data_type = DataType::kCap;
  for (const Payload& payload : All(LineOf(Form::kCap))) {
    std::visit([&message](const auto& p) { message.payloads.Add(p); }, payload);
  }
  const auto parts = ReadParts(message, Form::kCap);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->rand_i, message.Get<RandrPayload>());
  EXPECT_EQ(parts->id_i, message.Get<IdrPayload>(0));
  EXPECT_EQ(parts->id_r, message.Get<IdrPayload>(1));
  EXPECT_EQ(parts->certificates.size(), 2u);
  EXPECT_EQ(parts->dh, message.Get<DhPayload>());
  EXPECT_EQ(parts->key_ids, message.Get<ExtPayload>(0));
  EXPECT_EQ(parts->sign, message.Get<SignPayload>());
  EXPECT_EQ(parts->kemac, nullptr);
}

// Offered is a CAP of early DH and PSK with all that belongs to it, changed by `change`.
template <class Change>
bool IsOfferTaken(Change change) {
  static constexpr uint8_t kModes[] = {5, 1};
  static constexpr uint8_t kOneNumber[] = {1};
  static constexpr uint8_t kGroups[] = {242, 241};
  Capabilities offer;
  offer.modes = kModes;
  offer.prf = offer.encr = offer.mac = offer.signatures = kOneNumber;
  offer.profiles = Some(2);
  offer.groups = kGroups;
  offer.streams = Some(kStreamOctets);
  Parts parts;
  parts.dh = &kDh;
  parts.sign = &kSign;
  parts.chash = &kChash;
  change(offer, parts);
  return CheckOffer(offer, parts).has_value();
}

TEST(FormsOfVersion2, AnOfferHasWhatBelongsToItsModes) {
  static constexpr uint8_t kPskAlone[] = {1};
  EXPECT_TRUE(IsOfferTaken([](auto&, auto&) {}));
  for (ByteView Capabilities::*list :
       {&Capabilities::modes, &Capabilities::prf, &Capabilities::encr, &Capabilities::mac,
        &Capabilities::profiles, &Capabilities::groups, &Capabilities::signatures,
        &Capabilities::streams}) {
    EXPECT_FALSE(IsOfferTaken([list](auto& offer, auto&) { offer.*list = {}; }));
  }
  EXPECT_FALSE(IsOfferTaken([](auto&, auto& parts) { parts.dh = nullptr; }));
  EXPECT_FALSE(IsOfferTaken([](auto&, auto& parts) { parts.sign = nullptr; }));
  EXPECT_FALSE(IsOfferTaken([](auto&, auto& parts) { parts.key_ids = &kKeyIds; }));
  EXPECT_FALSE(IsOfferTaken([](auto& offer, auto&) { offer.features = Some(4); }));
  EXPECT_FALSE(IsOfferTaken([](auto& offer, auto&) { offer.ticket = Some(9); }));
  EXPECT_TRUE(IsOfferTaken([](auto& offer, auto& parts) {
    offer.streams = {};
    offer.features = Some(4);
    parts.key_ids = &kKeyIds;
  }));
  const DhPayload other{DhGroup::kSecp256r1, Some(65), 0, {}};
  EXPECT_FALSE(IsOfferTaken([&](auto&, auto& parts) { parts.dh = &other; }));
  const auto by_psk = [](Capabilities& offer, Parts& parts) {
    offer.modes = kPskAlone;
    offer.groups = offer.signatures = {};
    parts = {};
  };
  EXPECT_TRUE(IsOfferTaken(by_psk));
  EXPECT_FALSE(IsOfferTaken([&](auto& offer, auto& parts) {
    by_psk(offer, parts);
    parts.chash = &kChash;
  }));
  EXPECT_TRUE(IsOfferTaken([&](auto& offer, auto& parts) {
    by_psk(offer, parts);
    offer.ticket = Some(9);
  }));
  EXPECT_FALSE(IsOfferTaken([&](auto& offer, auto& parts) {
    by_psk(offer, parts);
    offer.ticket = Some(9);
    offer.ticket_id = Some(kTicketIdSize);
  }));
}

TEST(FormsOfVersion2, ModesHaveTheirMessages) {
  EXPECT_EQ(AnswerType(Mode::kEarlyDh), AnswerType(Mode::kDh));
  EXPECT_NE(AnswerForm(Mode::kEarlyDh), AnswerForm(Mode::kDh));
  for (const CodePoint& point : CodePointsOf<Mode>()) {
    const auto mode = static_cast<Mode>(point.value);
    EXPECT_TRUE(IsAnswer(AnswerType(mode)));
    EXPECT_TRUE(IsFinish(FinishType(mode)));
    EXPECT_TRUE(IsFormOf(AnswerForm(mode), AnswerType(mode)));
    EXPECT_TRUE(IsFormOf(FinishForm(mode), FinishType(mode)));
  }
}

}  // namespace
}  // namespace keymast::mikey::v2
