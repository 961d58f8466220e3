// SPDX-License-Identifier: Apache-2.0
// Which key and which index: the packets of one SSRC.
#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

class Packets : public testing::TestWithParam<SrtpProfile> {
 protected:
  void SetUp() override {
    server_.srtp = GetParam();
    core_.emplace(server_.MakeCore());
  }
  void Join(uint16_t msk, uint16_t mtk, Roc roc = Roc(0)) {
    server_.roc = roc;
    ASSERT_TRUE(GiveMsk(*core_, server_.MskMessage(Msk(msk))));
    ASSERT_TRUE(core_->OnMtk(server_.MtkMessage(Msk(msk), mtk), At(0)));
  }
  Headend From(uint32_t roc, uint16_t sequence, uint16_t mtk = 1) {
    Headend headend(server_, kVideo, srtp::MakeIndex(Roc(roc), sequence));
    headend.SwitchTo(Msk(1), mtk);
    return headend;
  }
  bool Opens(const Bytes& packet, Instant now = At(0)) {
    return GiveMedia(*core_, packet, now).has_value();
  }
  Error Refusal(const Bytes& packet, Instant now = At(0)) {
    const auto opened = GiveMedia(*core_, packet, now);
    EXPECT_FALSE(opened);
    return opened ? Error::kInternal : opened.error();
  }

  KeyServer server_;
  std::optional<Core> core_;
};

INSTANTIATE_TEST_SUITE_P(Srtp, Packets,
                         testing::Values(SrtpProfile::kAesCm128HmacSha1_80,
                                         SrtpProfile::kAesCm128HmacSha1_32,
                                         SrtpProfile::kAesCm256HmacSha1_80,
                                         SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm),
                         [](const auto& chosen) {
                           return std::string(srtp::InfoOf(chosen.param).name);
                         });

TEST_P(Packets, APacketOpensToItsPlainOctets) {
  Join(1, 1);
  Headend headend = From(0, 5);
  Bytes packet = headend.Send(60);
  const auto opened = core_->OnMedia(packet, At(0));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->stream, 0u);
  EXPECT_FALSE(opened->rtcp);
  Bytes want = RtpHeader(kVideo, 5);
  want.resize(72, 5);
  packet.resize(opened->length);
  EXPECT_EQ(packet, want);
}

TEST_P(Packets, WithoutAKeyTheMkiIsUnknown) {
  Headend headend = From(0, 5);
  EXPECT_EQ(Refusal(headend.Send()), Error::kUnknownKey);
  Join(1, 2);
  EXPECT_EQ(Refusal(headend.Send()), Error::kUnknownKey);
}

TEST_P(Packets, ReplaysAreRefused) {
  Join(1, 1);
  Headend headend = From(0, 5);
  const Bytes packet = headend.Send();
  EXPECT_TRUE(Opens(packet));
  EXPECT_EQ(Refusal(packet), Error::kReplayed);
}

TEST_P(Packets, TheFirstPacketIsTriedAroundTheRocOfTheMskMessage) {
  for (const uint32_t sent : {6u, 7u, 8u}) {
    core_.emplace(server_.MakeCore());
    Join(1, 1, Roc(7));
    Headend headend = From(sent, 300);
    EXPECT_TRUE(Opens(headend.Send())) << sent;
    EXPECT_EQ(core_->streams()[0]->highest(), srtp::MakeIndex(Roc(sent), 300));
    EXPECT_TRUE(Opens(headend.Send()));
  }
}

TEST_P(Packets, AFirstPacketFurtherAwayIsNotGuessed) {
  Join(1, 1, Roc(7));
  Headend headend = From(9, 300);
  EXPECT_EQ(Refusal(headend.Send()), Error::kAuthenticationFailed);
  EXPECT_EQ(core_->streams()[0]->highest(), std::nullopt);
}

TEST_P(Packets, AForgedFirstPacketLeavesTheIndexUnknown) {
  Join(1, 1);
  Headend headend = From(0, 9);
  Bytes forged = headend.Send();
  forged[20] ^= 1;
  EXPECT_EQ(Refusal(forged), Error::kAuthenticationFailed);
  EXPECT_TRUE(Opens(headend.Send()));
}

TEST_P(Packets, TheIndexIsCarriedFromKeyToKeyOverAWrap) {
  Join(1, 1);
  Headend headend = From(0, 65530);
  for (uint16_t mtk = 1; mtk <= 12; ++mtk) {
    core_->OnMtk(server_.MtkMessage(Msk(1), mtk), At(0));
    headend.SwitchTo(Msk(1), mtk);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(Opens(headend.Send())) << mtk;
  }
  EXPECT_EQ(core_->streams()[0]->highest(), srtp::MakeIndex(Roc(1), 29));
}

TEST_P(Packets, ALatePacketFromBeforeTheWrapOpensAndMovesNothingBack) {
  Join(1, 1);
  Headend headend = From(0, 65533);
  EXPECT_TRUE(Opens(headend.Send()));
  const Bytes late = headend.Send();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Opens(headend.Send()));
  EXPECT_TRUE(Opens(late));
  EXPECT_EQ(core_->streams()[0]->highest(), srtp::MakeIndex(Roc(1), 3));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Opens(headend.Send()));
}

TEST_P(Packets, AJumpOfLessThanHalfARocIsFollowedAtOnce) {
  Join(1, 1);
  Headend headend = From(0, 100);
  EXPECT_TRUE(Opens(headend.Send()));
  headend.Skip(30'000);
  EXPECT_TRUE(Opens(headend.Send(), At(20)));
}

TEST_P(Packets, AfterALongGapTheNeighbouringRocsAreTried) {
  Join(1, 1);
  Headend headend = From(0, 100);
  EXPECT_TRUE(Opens(headend.Send(), At(0)));
  headend.Skip(40'000);  // more than half a ROC: the guess says "before"
  EXPECT_TRUE(Opens(headend.Send(), At(1))) << "there is no ROC before 0";
  headend.Skip(65'536);  // one whole ROC
  EXPECT_EQ(Refusal(headend.Send(), At(2)), Error::kAuthenticationFailed);
  EXPECT_TRUE(Opens(headend.Send(), At(600)));
  EXPECT_TRUE(Opens(headend.Send(), At(601)));
}

TEST_P(Packets, AStreamThatBeginsAnewUnderANewMskIsFollowed) {
  Join(1, 1, Roc(5));
  Headend headend = From(5, 60'000);
  EXPECT_TRUE(Opens(headend.Send()));
  const Bytes old = headend.Send();
  Join(2, 1, Roc(0));
  Headend anew(server_, kVideo, srtp::MakeIndex(Roc(0), 300));
  anew.SwitchTo(Msk(2), 1);
  EXPECT_EQ(Refusal(anew.Send()), Error::kAuthenticationFailed);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Opens(anew.Send(), At(600))) << i;
  EXPECT_EQ(core_->streams()[0]->highest(), srtp::MakeIndex(Roc(0), 305));
  // What is left of the old one is not taken for a sign to go back.
  EXPECT_EQ(Refusal(old, At(600)), Error::kAuthenticationFailed);
  const auto next = GiveMedia(*core_, anew.Send(), At(600));
  EXPECT_TRUE(next) << ErrorName(next.error());
}

TEST_P(Packets, RtcpOpensUnderTheSameKeys) {
  Join(1, 1);
  Headend headend = From(0, 5);
  Bytes report = headend.SendReport();
  const auto opened = core_->OnMedia(report, At(0));
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->rtcp);
  EXPECT_EQ(opened->length, 28u);
  EXPECT_EQ(Refusal({0x80, 200, 0, 6}), Error::kTruncated);
  EXPECT_EQ(core_->streams()[0]->counters().opened, 0u);
  EXPECT_EQ(core_->streams()[0]->counters().rtcp_opened, 1u);
}

TEST_P(Packets, OtherSsrcsAreNotLookedAt) {
  Join(1, 1);
  Headend foreign(server_, Ssrc(77), srtp::MakeIndex(Roc(0), 1));
  foreign.SwitchTo(Msk(1), 1);
  EXPECT_EQ(Refusal(foreign.Send()), Error::kUnknownChannel);
}

TEST_P(Packets, EveryPrefixIsRefused) {
  Join(1, 1);
  Headend headend = From(0, 5);
  const Bytes packet = headend.Send();
  for (size_t length = 0; length < packet.size(); ++length) {
    const Bytes cut(packet.begin(), packet.begin() + static_cast<long>(length));
    EXPECT_FALSE(Opens(cut)) << length;
  }
  EXPECT_TRUE(Opens(packet));
}

TEST_P(Packets, TooLongAndNotRtp) {
  Join(1, 1);
  Bytes packet = RtpHeader(kVideo, 1);
  packet[0] = 0x40;
  packet.resize(100);
  EXPECT_EQ(Refusal(packet), Error::kMalformed);
  packet[0] = 0x80;
  packet.resize(kMaxPacket + 1);
  EXPECT_EQ(Refusal(packet), Error::kTooLong);
}

TEST_P(Packets, AHeadendThatStaysOnAnOldKeyIsFollowed) {
  Join(1, 1);
  Headend headend = From(0, 5);
  EXPECT_TRUE(Opens(headend.Send(), At(0)));
  for (uint16_t mtk = 2; mtk < 40; ++mtk) {
    ASSERT_TRUE(core_->OnMtk(server_.MtkMessage(Msk(1), mtk), At(mtk * 2000)));
    core_->OnTick(At(mtk * 2000));
    EXPECT_TRUE(Opens(headend.Send(), At(mtk * 2000)));
  }
  headend.SwitchTo(Msk(1), 39);
  EXPECT_TRUE(Opens(headend.Send(), At(80'000)));
}

TEST(MkiOf, SitsBeforeTheTagOrAtTheEnd) {
  Bytes packet(60);
  for (size_t i = 0; i < packet.size(); ++i) packet[i] = static_cast<uint8_t>(i);
  const auto first = [&](SrtpProfile profile, bool rtcp) {
    return MkiOf(packet, profile, 6, rtcp).front();
  };
  EXPECT_EQ(first(SrtpProfile::kAesCm128HmacSha1_80, false), 44);
  EXPECT_EQ(first(SrtpProfile::kAesCm128HmacSha1_32, false), 50);
  EXPECT_EQ(first(SrtpProfile::kAesCm128HmacSha1_32, true), 44);
  EXPECT_EQ(first(SrtpProfile::kAeadAes256Gcm, false), 54);
  EXPECT_TRUE(
      MkiOf(ByteView(packet).first(15), SrtpProfile::kAesCm128HmacSha1_80, 6, false).empty());
}

}  // namespace
}  // namespace keymast::receiver
