// SPDX-License-Identifier: Apache-2.0
// Several streams under one MTK; discards counted by port and reason.
#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

class CoreTest : public testing::Test {
 protected:
  void Join() {
    ASSERT_TRUE(GiveMsk(core_, server_.MskMessage(Msk(1))));
    ASSERT_TRUE(core_.OnMtk(server_.MtkMessage(Msk(1), 1), At(0)));
  }
  Headend From(Ssrc ssrc, uint32_t roc = 0) {
    Headend headend(server_, ssrc, srtp::MakeIndex(Roc(roc), 100));
    headend.SwitchTo(Msk(1), 1);
    return headend;
  }
  uint64_t Counted(const Discards& discards, Error reason) const {
    return discards[static_cast<size_t>(reason)];
  }

  KeyServer server_;
  Core core_ = server_.MakeCore();
};

TEST_F(CoreTest, OneKeyServesAllStreamsEachWithItsOwnIndex) {
  Join();
  Headend video = From(kVideo, 0);
  Headend audio = From(kAudio, 1);
  for (int i = 0; i < 10; ++i) {
    const auto first = GiveMedia(core_, video.Send(), At(i));
    const auto second = GiveMedia(core_, audio.Send(), At(i));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->stream, 0u);
    EXPECT_EQ(second->stream, 1u);
  }
  EXPECT_EQ(core_.streams()[0]->highest(), srtp::MakeIndex(Roc(0), 109));
  EXPECT_EQ(core_.streams()[1]->highest(), srtp::MakeIndex(Roc(1), 109));
}

TEST_F(CoreTest, AStreamThatIsSilentDoesNotHoldTheOtherBack) {
  Join();
  Headend video = From(kVideo);
  for (uint16_t mtk = 1; mtk <= 30; ++mtk) {
    static_cast<void>(core_.OnMtk(server_.MtkMessage(Msk(1), mtk), At(mtk * 2000)));
    video.SwitchTo(Msk(1), mtk);
    ASSERT_TRUE(GiveMedia(core_, video.Send(), At(mtk * 2000)));
    core_.OnTick(At(mtk * 2000));
  }
  EXPECT_LE(core_.keyring().mtks().held(), 5u);
  Headend audio = From(kAudio);
  audio.SwitchTo(Msk(1), 30);
  EXPECT_TRUE(GiveMedia(core_, audio.Send(), At(60'100)));
}

TEST_F(CoreTest, DiscardsAreCountedApartByPort) {
  static_cast<void>(core_.OnMtk(server_.MtkMessage(Msk(1), 1), At(0)));
  EXPECT_EQ(Counted(core_.key_discards(), Error::kUnknownKey), 1u);
  EXPECT_EQ(Counted(core_.media_discards(), Error::kUnknownKey), 0u);
  Headend video = From(kVideo);
  static_cast<void>(GiveMedia(core_, video.Send(), At(0)));
  EXPECT_EQ(Counted(core_.media_discards(), Error::kUnknownKey), 1u);
  static_cast<void>(GiveMedia(core_, {}, At(0)));
  EXPECT_EQ(Counted(core_.media_discards(), Error::kTruncated), 1u);
}

TEST_F(CoreTest, WhatIsRefusedBeforeTheFirstKeyIsCountedApart) {
  Headend video = From(kVideo);
  EXPECT_FALSE(GiveMedia(core_, video.Send(), At(0)));
  EXPECT_EQ(core_.refused_since_key(), 0u);
  Join();
  EXPECT_TRUE(GiveMedia(core_, video.Send(), At(1)));
  EXPECT_EQ(core_.refused_since_key(), 0u);
  video.SwitchTo(Msk(1), 2);
  EXPECT_FALSE(GiveMedia(core_, video.Send(), At(2))) << "a key that nobody announced";
  EXPECT_EQ(core_.refused_since_key(), 1u);
}

TEST_F(CoreTest, TheProfileMayChangeWithTheMsk) {
  Join();
  Headend video = From(kVideo);
  ASSERT_TRUE(GiveMedia(core_, video.Send(), At(0)));
  KeyServer again = server_;
  again.srtp = SrtpProfile::kAeadAes128Gcm;  // the profile changes with the next MSK
  ASSERT_TRUE(GiveMsk(core_, again.MskMessage(Msk(2))));
  again.mtk_counter = 0;
  ASSERT_TRUE(core_.OnMtk(again.MtkMessage(Msk(2), 1), At(1)));
  EXPECT_TRUE(GiveMedia(core_, video.Send(), At(2))) << "both profiles are found by MKI";
  Headend gcm(again, kVideo, video.next());
  gcm.SwitchTo(Msk(2), 1);
  EXPECT_TRUE(GiveMedia(core_, gcm.Send(), At(3)));
}

TEST(IsRtcp, BySecondOctet) {  // RFC 5761 §4
  for (int second = 0; second < 256; ++second) {
    const Bytes datagram = {0x80, static_cast<uint8_t>(second)};
    EXPECT_EQ(IsRtcp(datagram), second >= 192 && second <= 223) << second;
  }
  EXPECT_FALSE(IsRtcp({}));
  EXPECT_FALSE(IsRtcp(Bytes{0x80}));
}

}  // namespace
}  // namespace keymast::receiver
