// SPDX-License-Identifier: Apache-2.0
// srtpdec under our keys without network: each packet is put in by hand, so that wraps, late
// packets and key changes meet where the test wants them.
#include <gst/check/gstharness.h>

#include "tests/interop/srtpdec_keys.h"
#include "tests/unit/receiver/broadcast.h"

namespace keymast::interop {
namespace {

using receiver::At;
using receiver::kVideo;
using receiver::Msk;

class StillClock final : public Clock {
 public:
  Instant Now() const override { return At(0); }
};

class Srtpdec : public testing::TestWithParam<SrtpProfile> {
 protected:
  // libsrtp2 starts once a process: srtpdec's plug-in, which comes second, passes over that.
  static void SetUpTestSuite() {
    ASSERT_TRUE(srtpio::Init());
    gst_init(nullptr, nullptr);
  }
  void SetUp() override {
    server_.srtp = GetParam();
    keys_.emplace(server_.MakeKeyring(), std::vector<Ssrc>{kVideo}, clock_);
    harness_ = gst_harness_new_with_padnames("srtpdec", "rtp_sink", "rtp_src");
    ASSERT_NE(harness_, nullptr);
    keys_->Attach(harness_->element);
    gst_harness_set_src_caps_str(harness_, "application/x-srtp, media=video, clock-rate=90000");
  }
  void TearDown() override { gst_harness_teardown(harness_); }

  void Join(Roc roc) {
    server_.roc = roc;
    std::array<uint8_t, receiver::kMaxAnswer> answer{};
    ASSERT_TRUE(keys_->OnMsk(server_.MskMessage(Msk(1)), answer));
  }
  void Announce(uint16_t mtk) { ASSERT_TRUE(keys_->OnMtk(server_.MtkMessage(Msk(1), mtk))); }

  // Opens returns whether this packet comes out.
  bool Opens(const Bytes& packet) {
    const guint before = gst_harness_buffers_received(harness_);
    GstBuffer* buffer = gst_buffer_new_allocate(nullptr, packet.size(), nullptr);
    gst_buffer_fill(buffer, 0, packet.data(), packet.size());
    gst_harness_push(harness_, buffer);
    return gst_harness_buffers_received(harness_) == before + 1;
  }

  StillClock clock_;
  receiver::KeyServer server_;
  std::optional<SrtpdecKeys> keys_;
  GstHarness* harness_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Srtp, Srtpdec,
                         testing::Values(SrtpProfile::kAesCm128HmacSha1_80,
                                         SrtpProfile::kAesCm128HmacSha1_32,
                                         SrtpProfile::kAesCm256HmacSha1_80,
                                         SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm),
                         [](const auto& chosen) {
                           return std::string(srtp::InfoOf(chosen.param).name);
                         });

TEST_P(Srtpdec, KeepsEveryPacketOverThirtyKeyChangesAndAWrap) {
  Join(Roc(0));
  Announce(1);
  receiver::Headend headend(server_, kVideo, srtp::MakeIndex(Roc(0), 65036));
  for (uint16_t mtk = 1; mtk <= 31; ++mtk) {
    headend.SwitchTo(Msk(1), mtk);
    for (int i = 0; i < 50; ++i) {
      if (i == 25) Announce(static_cast<uint16_t>(mtk + 1));
      EXPECT_TRUE(Opens(headend.Send())) << "MTK " << mtk << ", packet " << i;
    }
  }
  EXPECT_EQ(keys_->counters().key_changes, 30u);
  EXPECT_EQ(keys_->counters().keys_removed, 30u);
  EXPECT_EQ(keys_->highest(kVideo)->value, 65036u + 31 * 50 - 1);
}

TEST_P(Srtpdec, OpensLatePacketsFromBeforeAChangeThatIsAlsoAWrap) {
  Join(Roc(0));
  Announce(1);
  receiver::Headend headend(server_, kVideo, srtp::MakeIndex(Roc(0), 65500));
  headend.SwitchTo(Msk(1), 1);
  for (int i = 0; i < 33; ++i) EXPECT_TRUE(Opens(headend.Send()));
  const Bytes late = headend.Send();
  const Bytes later = headend.Send();
  EXPECT_TRUE(Opens(headend.Send()));
  ASSERT_EQ(headend.next(), srtp::MakeIndex(Roc(1), 0));
  Announce(2);
  headend.SwitchTo(Msk(1), 2);
  EXPECT_TRUE(Opens(headend.Send()));
  EXPECT_TRUE(Opens(late));
  EXPECT_TRUE(Opens(headend.Send()));
  EXPECT_TRUE(Opens(later));
  EXPECT_TRUE(Opens(headend.Send()));
  EXPECT_EQ(keys_->counters().keys_removed, 1u);
}

// The MSK message says a ROC; the stream wrapped since, and srtpdec tells nobody that a packet
// failed.
TEST_P(Srtpdec, JoinsAfterAWrapThatTheMskMessageDoesNotKnow) {
  Join(Roc(6));
  Announce(1);
  receiver::Headend headend(server_, kVideo, srtp::MakeIndex(Roc(7), 3000));
  headend.SwitchTo(Msk(1), 1);
  EXPECT_FALSE(Opens(headend.Send()));
  EXPECT_TRUE(Opens(headend.Send()));
  Announce(2);
  headend.SwitchTo(Msk(1), 2);
  EXPECT_TRUE(Opens(headend.Send()));
  EXPECT_EQ(srtp::RocOf(*keys_->highest(kVideo)), Roc(7));
}

TEST_P(Srtpdec, DropsWhatItHasNoKeyForAndGoesOn) {
  Join(Roc(0));
  Announce(1);
  receiver::Headend headend(server_, kVideo, PacketIndex(100));
  headend.SwitchTo(Msk(1), 1);
  EXPECT_TRUE(Opens(headend.Send()));
  headend.SwitchTo(Msk(1), 9);
  EXPECT_FALSE(Opens(headend.Send()));
  headend.SwitchTo(Msk(1), 1);
  EXPECT_TRUE(Opens(headend.Send()));
  EXPECT_EQ(keys_->counters().unknown_mki, 1u);
  EXPECT_EQ(keys_->counters().keys_removed, 0u);
}

TEST_P(Srtpdec, RefusesAReplayUnderAKeyThatStayed) {
  Join(Roc(0));
  Announce(1);
  receiver::Headend headend(server_, kVideo, PacketIndex(100));
  headend.SwitchTo(Msk(1), 1);
  const Bytes packet = headend.Send();
  EXPECT_TRUE(Opens(packet));
  EXPECT_FALSE(Opens(packet));
}

}  // namespace
}  // namespace keymast::interop
