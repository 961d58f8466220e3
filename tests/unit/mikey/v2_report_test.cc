// SPDX-License-Identifier: Apache-2.0
// REPORT and the KEYS outside of an exchange: each check of MIKEYv2 §10 in its order.
#include <gtest/gtest.h>

#include "mikey/v2/loose_keys.h"
#include "tests/unit/mikey/v2_directory.h"
#include "tests/unit/mikey/v2_group.h"

namespace keymast::mikey::v2 {
namespace {

const crypto::Suite& kSuite = crypto::DefaultSuite();
const Bytes kROctets(32, 0x61);
const Bytes kRandOfReport(kRandOctets, 0x71);
const Bytes kRandOfKeys(kRandOctets, 0x72);
const Bytes kTicketOctets(300, 0x81);

class TestMembers : public ReportDirectory {
 public:
  bool Serves(const Report& report) const override {
    return report.group == kGroupId && report.csb_id == kGroupCsb;
  }
  const crypto::Key32* ReportKeyOf(const Report& report) const override {
    return report.member == kMemberId ? &r_ : nullptr;
  }
  uint32_t LastT(const Report&) const override { return last_t_; }
  Status CheckTicket(const Report&) const override {
    ++tickets_asked_;
    return ticket_;
  }
  Status CheckMember(const Report&) const override { return member_; }
  void Take(const Report& report) override {
    last_t_ = report.t;
    ++taken_;
  }

  crypto::Key32 r_{ByteView(kROctets)};
  uint32_t last_t_ = 7;
  Status ticket_;
  Status member_;
  mutable int tickets_asked_ = 0;
  int taken_ = 0;
};

class Reports : public testing::Test {
 protected:
  Report ReportOf(uint32_t t = 8, ReportKind kind = ReportKind::kMissing) const {
    return {kGroupCsb, kMemberId,
            kGroupId,  {kGroupDomain, MskId::FromValue(kOldMskId), std::nullopt},
            t,         {kind, kTreeId, 5, 10, kOldMskId, 1500},
            {},        {}};
  }
  Bytes Write(const Report& report, const Bytes& r = kROctets) const {
    Bytes out(kMaxOneDatagram);
    const auto size = WriteReport(kSuite, report, crypto::Key32(ByteView(r)), kRandOfReport, out);
    KEYMAST_CHECK(size.has_value());
    out.resize(*size);
    return out;
  }
  // ErrorOf what must be dropped and change nothing.
  Error ErrorOf(ByteView datagram) {
    const auto taken = taker_.Receive(datagram);
    EXPECT_EQ(members_.taken_, 0);
    return taken ? Error::kInternal : taken.error();
  }
  // Forge edits header and payloads of a REPORT and makes its V anew.
  template <class Change>
  Bytes Forge(const Bytes& report, Change change) const {
    Message message;
    KEYMAST_CHECK(ParseMessage(report, message).has_value());
    std::vector<Payload> payloads(message.chain().begin(), message.chain().end());
    change(message.header, payloads);
    Bytes out(kMaxOneDatagram);
    ChainWriter chain(out, message.header);
    for (const Payload& payload : payloads) {
      std::visit([&chain](const auto& p) { chain.Add(p); }, payload);
    }
    const size_t mac = std::get<VPayload>(payloads.back()).ver_data.size();
    Protection protection;
    protection.inkey = kROctets;
    protection.csb_id = kGroupCsb;
    protection.type = DataType::kReport;
    protection.rand_i = kRandOfReport;
    protection.mac = mac == 20 ? MacAlg::kHmacSha1_160 : MacAlg::kHmacSha256_256;
    ComputeMac(kSuite, protection, chain.Head(mac), chain.Tail(mac));
    out.resize(chain.size());
    return out;
  }

  TestMembers members_;
  crypto::SeededRng rng_{1};
  ReportTaker taker_{kSuite, members_, rng_};
};

TEST_F(Reports, AreTaken) {
  uint32_t t = 8;
  for (const auto kind : {ReportKind::kAcknowledge, ReportKind::kMissing, ReportKind::kLeave}) {
    const Bytes octets = Write(ReportOf(t, kind));
    EXPECT_EQ(octets.size(), kReportSize);
    const auto taken = taker_.Receive(octets);
    ASSERT_TRUE(taken) << ErrorName(taken.error());
    EXPECT_EQ(taken->report.body.kind, kind);
    EXPECT_EQ(taken->report.body.held_ms, 1500u);
    EXPECT_EQ(taken->report.ids.msk.value(), kOldMskId);
    EXPECT_TRUE(Equal(taken->binding.rand.view(), kRandOfReport));
    EXPECT_EQ(taken->binding.hash, HashOf(kSuite, octets));
    EXPECT_EQ(members_.last_t_, t);
    ++t;
  }
  EXPECT_EQ(members_.taken_, 3);
  EXPECT_EQ(members_.tickets_asked_, 0);
}

TEST_F(Reports, ATicketComesAlong) {
  Report report = ReportOf();
  report.ticket = kTicketOctets;
  const auto taken = taker_.Receive(Write(report));
  ASSERT_TRUE(taken);
  EXPECT_EQ(members_.tickets_asked_, 1);
}

TEST_F(Reports, EveryFlippedOctetIsDropped) {
  Report with_ticket = ReportOf();
  with_ticket.ticket = kTicketOctets;
  for (const Bytes& good : {Write(ReportOf()), Write(with_ticket)}) {
    for (size_t i = 0; i < good.size(); ++i) {
      for (const uint8_t bits : std::initializer_list<uint8_t>{0x01, 0x80, 0xff}) {
        Bytes bad = good;
        bad[i] ^= bits;
        EXPECT_NE(ErrorOf(bad), Error::kInternal) << i;
      }
    }
    for (size_t size = 0; size < good.size(); ++size) {
      EXPECT_NE(ErrorOf(ByteView(good).first(size)), Error::kInternal) << size;
    }
  }
}

TEST_F(Reports, ChecksHaveAnOrder) {
  Report report = ReportOf();
  report.ticket = kTicketOctets;
  members_.member_ = Err(Error::kNotEntitled);
  EXPECT_EQ(ErrorOf(Write(report)), Error::kNotEntitled);
  members_.ticket_ = Err(Error::kOutsideInterval);
  EXPECT_EQ(ErrorOf(Write(report)), Error::kOutsideInterval);
  report.t = 7;
  EXPECT_EQ(ErrorOf(Write(report)), Error::kReplayed);
  EXPECT_EQ(members_.tickets_asked_, 2);  // not for this one
  EXPECT_EQ(ErrorOf(Write(report, Bytes(32, 0x62))), Error::kAuthenticationFailed);
  report.csb_id = CsbId(0x4e);
  EXPECT_EQ(ErrorOf(Write(report)), Error::kUnknownChannel);
}

TEST_F(Reports, AreTakenOnce) {
  const Bytes octets = Write(ReportOf());
  EXPECT_TRUE(taker_.Receive(octets));
  const auto again = taker_.Receive(octets);
  EXPECT_EQ(again.error(), Error::kReplayed);
  EXPECT_EQ(members_.taken_, 1);
}

TEST_F(Reports, OfStrangersCostAndTellTheSame) {
  Report report = ReportOf();
  report.member = kPeerId;
  EXPECT_EQ(ErrorOf(Write(report)), Error::kAuthenticationFailed);
  EXPECT_EQ(ErrorOf(Write(report, Bytes(32, 0))), Error::kAuthenticationFailed);
}

TEST_F(Reports, HaveTheirForm) {
  const Bytes good = Write(ReportOf());
  EXPECT_EQ(Forge(good, [](Header&, auto&) {}), good);
  EXPECT_EQ(ErrorOf(Forge(good, [](Header& h, auto&) { h.prf = PrfFunc::kMikey1; })),
            Error::kMalformed);
  EXPECT_EQ(ErrorOf(Forge(good,
                          [](Header&, auto& payloads) {
                            auto& v = std::get<VPayload>(payloads.back());
                            v = {MacAlg::kHmacSha1_160, v.ver_data.first(20)};
                          })),
            Error::kUnsupportedAlgorithm);
  for (size_t missing = 0; missing < 6; ++missing) {
    const Bytes bad = Forge(good, [missing](Header&, auto& payloads) {
      payloads.erase(payloads.begin() + static_cast<ptrdiff_t>(missing));
    });
    EXPECT_EQ(ErrorOf(bad), Error::kPayloadMissing) << missing;
  }
  for (const size_t kind : std::initializer_list<size_t>{0, 4, 25}) {
    Bytes data(kind == 25 ? 24 : 25, 0);
    data[0] = static_cast<uint8_t>(kind == 25 ? 1 : kind);
    const Bytes bad = Forge(
        good, [&data](Header&, auto& payloads) { std::get<ExtPayload>(payloads[5]).data = data; });
    EXPECT_EQ(ErrorOf(bad), Error::kMalformed);
  }
  for (const size_t size : std::initializer_list<size_t>{0, kMaxTicket + 1}) {
    const Bytes ticket(size, 1);
    Bytes bad = Forge(good, [&ticket](Header&, auto& payloads) {
      payloads[6] = ExtPayload{ExtType::kTicket, ticket};  // for PADDING
    });
    EXPECT_EQ(ErrorOf(bad), Error::kMalformed);
  }
}

TEST_F(Reports, TellWhoIsBehind) {
  const ReportBody told = ReportOf().body;  // epoch 5, the old MSK
  const MskId held = MskId::FromValue(kOldMskId);
  EXPECT_FALSE(IsBehind(told, kTreeId, 5, held));
  EXPECT_FALSE(IsBehind(told, kTreeId, 4, MskId::FromValue(kNewMskId)));
  EXPECT_TRUE(IsBehind(told, kTreeId, 6, held));
  EXPECT_TRUE(IsBehind(told, kTreeId, 5, MskId::FromValue(kNewMskId)));
  EXPECT_TRUE(IsBehind(told, kTreeId, 5, MskId::FromValue(0x00080001)));
  EXPECT_TRUE(IsBehind(told, kOtherTreeId, 1, held));
}

TEST_F(Reports, TheWriterRefusesWhatDoesNotFit) {
  Report report = ReportOf();
  report.member = {};
  Bytes out(kMaxOneDatagram);
  const crypto::Key32 r{ByteView(kROctets)};
  EXPECT_EQ(WriteReport(kSuite, report, r, kRandOfReport, out).error(), Error::kInvalidArgument);
  report = ReportOf();
  const Bytes ticket(kMaxTicket, 1);
  report.ticket = ticket;
  ASSERT_TRUE(WriteReport(kSuite, report, r, kRandOfReport, out));
  const Bytes name(kMaxIdentity, 'a');
  report.member.data = name;
  const auto written = WriteReport(kSuite, report, r, kRandOfReport, out);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error(), Error::kTooLong);
}

// KEYS outside of an exchange.
class LooseKeysTest : public Reports {
 protected:
  LooseKeysTest() {
    streams_.policies.Add({3, ProtType::kSrtp, Octets<255>(kGcmParams)});
    CsbSession session;
    session.cs_id = 1;
    session.policy = 3;
    session.ssrc = Ssrc(0xfeedf00d);
    session.has_seq = true;
    session.spi = Octets<kMaxSpi>(kMki);
    streams_.sessions.Add(session);
    contents_ = group_.Place();
    contents_.keys.clear();
    contents_.keys.Add(MskData(kOldMsk));
    contents_.keys.Add({KeyDataType::kTreeKey, kNewRoot, {}, {KvType::kSpi, kPath, {}, {}}});
    contents_.keys.Add({KeyDataType::kMtk, kNewMsk, kSalt, {KvType::kSpi, kMki, {}, {}}});
  }
  KeysContent ContentOf(const Streams& streams, const Contents& contents) const {
    return {EncrAlg::kAesCm256, kRandOfKeys, streams, contents, {}};
  }
  KeysContent Content() const { return ContentOf(streams_, contents_); }
  Bytes Answer(const KeysContent& content) const {
    Bytes out(kMaxPlain);
    out.resize(*WriteKeysToReport(kSuite, binding_, content, out));
    return out;
  }
  Bytes Unasked(const KeysContent& content, uint32_t t = 5) const {
    Bytes out(kMaxPlain);
    out.resize(*WriteUnaskedKeys(kSuite, members_.r_, kGroupCsb, t, content, out));
    return out;
  }
  Status OpenAnswer(ByteView keys) {
    return OpenKeysToReport(kSuite, keys, binding_, kGroupName, taken_);
  }
  Status OpenUnasked(ByteView keys, uint32_t last_t = 4) {
    return OpenUnaskedKeys(kSuite, keys, members_.r_, last_t, kGroupName, taken_);
  }
  Error AnswerError(const Contents& contents) {
    const Status opened = OpenAnswer(Answer(ContentOf(streams_, contents)));
    return opened ? Error::kInternal : opened.error();
  }
  // Without the streams, where the contents have no MSK.
  Error BareError(const Contents& contents) {
    const Status opened = OpenAnswer(Answer(ContentOf({}, contents)));
    return opened ? Error::kInternal : opened.error();
  }

  Group group_;
  const Bytes kMki{0, 7, 0, 1, 0, 1};
  const Bytes kSalt = Bytes(12, 0x33);
  const Bytes kPath{0, 0, 0, 9, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1};  // two keys of 16 octets
  Streams streams_;
  Contents contents_;
  const Bytes report_ = Write(ReportOf());
  const ReportBinding binding_ = BindReport(kSuite, report_, kGroupCsb, kRandOfReport, members_.r_);
  TakenKeys taken_;
};

TEST_F(LooseKeysTest, AnswerAReport) {
  ASSERT_TRUE(OpenAnswer(Answer(Content())));
  EXPECT_EQ(taken_.contents().keys.size(), 3u);
  EXPECT_TRUE(Equal(taken_.contents().keys[0].key, kOldMsk));
  EXPECT_EQ(taken_.streams().sessions[0].ssrc, Ssrc(0xfeedf00d));
  EXPECT_TRUE(taken_.fresh().empty());
  // `leave` is answered by nothing at all.
  ASSERT_TRUE(OpenAnswer(Answer(ContentOf({}, {}))));
  EXPECT_TRUE(taken_.contents().keys.empty());
  EXPECT_TRUE(taken_.streams().sessions.empty());
}

TEST_F(LooseKeysTest, MayHaveTheNextFresh) {
  KeysContent content = Content();
  const Bytes fresh(kFreshSize, 0xf5);
  content.fresh = fresh;
  ASSERT_TRUE(OpenAnswer(Answer(content)));
  EXPECT_TRUE(Equal(taken_.fresh(), fresh));
}

TEST_F(LooseKeysTest, AreGivenUnasked) {
  for (const EncrAlg encr : {EncrAlg::kAesCm128, EncrAlg::kAesCm256, EncrAlg::kAesKwp256}) {
    KeysContent content = Content();
    content.encr = encr;
    GroupName name = kGroupName;
    name.encr = encr;
    const Bytes keys = Unasked(content);
    ASSERT_TRUE(OpenUnaskedKeys(kSuite, keys, members_.r_, 4, name, taken_));
    EXPECT_EQ(taken_.t(), 5u);
    EXPECT_TRUE(Equal(taken_.contents().keys[2].key, kNewMsk));
    EXPECT_EQ(OpenUnaskedKeys(kSuite, keys, members_.r_, 5, name, taken_).error(),
              Error::kReplayed);
    name.encr = EncrAlg::kNull;
    EXPECT_EQ(OpenUnaskedKeys(kSuite, keys, members_.r_, 4, name, taken_).error(),
              Error::kUnsupportedAlgorithm);
  }
}

TEST_F(LooseKeysTest, EveryFlippedOctetIsDropped) {
  ASSERT_TRUE(OpenAnswer(Answer(ContentOf({}, {}))));
  KeysContent content = Content();
  const Bytes fresh(kFreshSize, 0xf5);
  content.fresh = fresh;
  for (const bool asked : {true, false}) {
    const Bytes good = asked ? Answer(content) : Unasked(content);
    for (size_t i = 0; i < good.size(); ++i) {
      for (const uint8_t bits : std::initializer_list<uint8_t>{0x01, 0x80, 0xff}) {
        Bytes bad = good;
        bad[i] ^= bits;
        EXPECT_FALSE(asked ? OpenAnswer(bad) : OpenUnasked(bad)) << i;
      }
    }
    for (size_t size = 0; size < good.size(); ++size) {
      const ByteView part = ByteView(good).first(size);
      EXPECT_FALSE(asked ? OpenAnswer(part) : OpenUnasked(part)) << size;
    }
    EXPECT_TRUE(taken_.contents().keys.empty());
  }
}

TEST_F(LooseKeysTest, AreNotTakenForOthers) {
  const Bytes answer = Answer(Content());
  EXPECT_EQ(OpenUnasked(answer).error(), Error::kUnexpected);
  EXPECT_EQ(OpenAnswer(Unasked(Content())).error(), Error::kUnexpected);
  // To another REPORT of the same member.
  const Bytes second = Write(ReportOf(9));
  const auto other = BindReport(kSuite, second, kGroupCsb, kRandOfReport, members_.r_);
  EXPECT_EQ(OpenKeysToReport(kSuite, answer, other, kGroupName, taken_).error(),
            Error::kAuthenticationFailed);
  const auto later = BindReport(kSuite, report_, kGroupCsb, kRandOfKeys, members_.r_);
  EXPECT_EQ(OpenKeysToReport(kSuite, answer, later, kGroupName, taken_).error(),
            Error::kUnexpected);
  // Under another R, in another group.
  const crypto::Key32 other_r(Bytes(32, 0x62));
  EXPECT_EQ(OpenUnaskedKeys(kSuite, Unasked(Content()), other_r, 4, kGroupName, taken_).error(),
            Error::kAuthenticationFailed);
  GroupName another = kGroupName;
  another.csb_id = CsbId(0x4e);
  EXPECT_EQ(OpenKeysToReport(kSuite, answer, binding_, another, taken_).error(),
            Error::kUnknownChannel);
  another = kGroupName;
  another.key_group = KeyGroup(8);
  EXPECT_EQ(OpenKeysToReport(kSuite, answer, binding_, another, taken_).error(),
            Error::kUnknownChannel);
  another = kGroupName;
  another.domain.octets[0] = 9;
  EXPECT_EQ(OpenKeysToReport(kSuite, answer, binding_, another, taken_).error(),
            Error::kUnknownChannel);
}

TEST_F(LooseKeysTest, HaveAllThatBelongsToAnMsk) {
  Contents bad = contents_;
  bad.csb_id.reset();
  EXPECT_EQ(AnswerError(bad), Error::kMalformed);
  bad = contents_;
  bad.csb_id = CsbId(0x4e);
  EXPECT_EQ(AnswerError(bad), Error::kUnknownChannel);
  bad = contents_;
  bad.member.reset();
  EXPECT_EQ(AnswerError(bad), Error::kMalformed);
  bad = contents_;
  bad.rands.clear();
  EXPECT_EQ(AnswerError(bad), Error::kDecryptionFailed);
  bad = contents_;
  bad.rands.clear();
  bad.msks.clear();
  EXPECT_EQ(AnswerError(bad), Error::kMalformed);
  bad = contents_;
  bad.keys.clear();
  bad.keys.Add(contents_.keys[0]);  // no MTK
  EXPECT_EQ(AnswerError(bad), Error::kMalformed);
  bad.keys.clear();
  bad.keys.Add({KeyDataType::kTgk, kNewRoot, {}, {}});  // a unicast TGK
  bad.keys.Add(contents_.keys[2]);
  EXPECT_EQ(AnswerError(bad), Error::kMalformed);
  EXPECT_EQ(BareError(contents_), Error::kMalformed);  // no streams
}

// Signed by R, and still of another PRF than MIKEYv2 §3.1 has for them.
TEST_F(LooseKeysTest, HaveThePrfOfAll) {
  Bytes keys = Answer(ContentOf({}, {}));
  keys[3] = static_cast<uint8_t>(PrfFunc::kMikey1);
  EXPECT_EQ(OpenAnswer(keys).error(), Error::kUnsupportedAlgorithm);
}

TEST_F(LooseKeysTest, HaveAnMskForEachState) {
  Contents bad = contents_;
  bad.rands.Add(kNonce);
  bad.msks.Add({kGroupDomain.octets, kNewMskId, 0});
  EXPECT_EQ(AnswerError(bad), Error::kMalformed);
}

TEST_F(LooseKeysTest, HaveAPathOfALeafAtMost) {
  Bytes spi(4 + 5 * (kMaxPathKeys + 1), 1);
  Bytes keys(16 * (kMaxPathKeys + 1), 2);
  Contents tree;
  tree.member = contents_.member;
  tree.keys.Add({KeyDataType::kTreeKey, keys, {}, {KvType::kSpi, spi, {}, {}}});
  EXPECT_EQ(BareError(tree), Error::kDecryptionFailed);
  spi.resize(4 + 5 * kMaxPathKeys);
  keys.resize(16 * kMaxPathKeys);
  tree.keys.clear();
  tree.keys.Add({KeyDataType::kTreeKey, keys, {}, {KvType::kSpi, spi, {}, {}}});
  EXPECT_EQ(BareError(tree), Error::kInternal);
}

// MIKEYv2 §3.4: `fresh` alone, here with a cookie in place of it and beside it.
TEST_F(LooseKeysTest, TellNothingButFresh) {
  KeysContent content = Content();
  const Bytes fresh(kFreshSize, 0xf5);
  content.fresh = fresh;
  const Bytes good = Answer(content);
  Message message;
  ASSERT_TRUE(ParseMessage(good, message));
  Capabilities cookie;
  cookie.cookie = fresh;
  Capabilities both = cookie;
  both.fresh = fresh;
  for (const Capabilities& told : {cookie, both, Capabilities()}) {
    Bytes tlvs(100);
    tlvs.resize(*WriteCapabilities(told, tlvs));
    Bytes out(kMaxPlain);
    ChainWriter chain(out, message.header);
    for (Payload payload : message.chain()) {
      if (auto* cap = std::get_if<CapPayload>(&payload)) cap->tlvs = tlvs;
      std::visit([&chain](const auto& p) { chain.Add(p); }, payload);
    }
    EXPECT_EQ(OpenAnswer(ByteView(out).first(chain.size())).error(), Error::kMalformed);
  }
}

TEST_F(LooseKeysTest, HaveNoMtkOfAnotherGroup) {
  Contents bad = contents_;
  const Bytes mki{0, 8, 0, 1, 0, 1};
  bad.keys.Add({KeyDataType::kMtk, kNewMsk, kSalt, {KvType::kSpi, mki, {}, {}}});
  EXPECT_EQ(AnswerError(bad), Error::kUnknownChannel);
}

TEST_F(LooseKeysTest, HaveNoTicket) {
  Contents bad = contents_;
  const Bytes seconds{0, 0, 1, 0};
  bad.keys.Add({KeyDataType::kTicket, kTicketOctets, {}, {KvType::kSpi, seconds, {}, {}}});
  EXPECT_EQ(AnswerError(bad), Error::kMalformed);
}

TEST_F(LooseKeysTest, MayHaveTreeKeysAlone) {
  Contents tree;
  tree.keys.Add(contents_.keys[1]);
  EXPECT_EQ(BareError(tree), Error::kMalformed);  // of which epoch?
  tree.member = contents_.member;
  EXPECT_TRUE(OpenAnswer(Answer(ContentOf({}, tree))));
  EXPECT_EQ(AnswerError(tree), Error::kMalformed);  // streams without an MSK
  tree.keys.clear();
  tree.keys.Add({KeyDataType::kTreeKey, kNewRoot, {}, {KvType::kSpi, kMki, {}, {}}});
  EXPECT_EQ(BareError(tree), Error::kDecryptionFailed);  // an SPI of no path
}

TEST_F(LooseKeysTest, NameTheirStreams) {
  const auto error = [this](auto change) {
    Streams streams = streams_;
    change(streams.sessions);
    const Status opened = OpenAnswer(Answer(ContentOf(streams, contents_)));
    return opened ? Error::kInternal : opened.error();
  };
  EXPECT_EQ(error([](auto& sessions) { sessions.mutable_view()[0].cs_id = 2; }), Error::kMalformed);
  EXPECT_EQ(error([](auto& sessions) { sessions.mutable_view()[0].has_seq = false; }),
            Error::kMalformed);
  EXPECT_EQ(error([](auto& sessions) { sessions.mutable_view()[0].policy = 4; }),
            Error::kMalformed);
  EXPECT_EQ(error([](auto& sessions) {
              sessions.mutable_view()[0].spi = Octets<kMaxSpi>(Bytes{0, 7, 0, 1, 0, 2});
            }),
            Error::kMalformed);
  EXPECT_EQ(error([](auto& sessions) {
              CsbSession same = sessions[0];
              same.cs_id = 2;
              sessions.Add(same);
            }),
            Error::kMalformed);
}

}  // namespace
}  // namespace keymast::mikey::v2
