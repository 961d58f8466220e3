// SPDX-License-Identifier: Apache-2.0
#include "receiver/replay.h"

#include "tests/unit/net/recording.h"
#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

constexpr std::string_view kMskEndpoint = "127.0.0.1:2271";
constexpr std::string_view kServerEndpoint = "127.0.0.1:2269";
constexpr std::string_view kMtkGroup = "239.255.42.1:2269";
constexpr std::string_view kVideoGroup = "239.255.42.1:5004";

class ReplayTest : public testing::Test {
 protected:
  void SetUp() override {
    setup_.channel.domain = kDomain;
    setup_.channel.key_group = kGroup;
    setup_.channel.mtk = *ParseEndpoint(kMtkGroup);
    SdpStream video;
    video.media = "video";
    video.group = *ParseEndpoint(kVideoGroup);
    video.ssrc = kVideo;
    setup_.channel.streams = {video};
    setup_.credential = server_.MemberCredential();
    recording_.Add(kServerEndpoint, kMskEndpoint, At(0), server_.MskMessage(Msk(1)));
  }
  void AddMtk(uint16_t mtk, int64_t at) {
    recording_.Add(kServerEndpoint, kMtkGroup, At(at), server_.MtkMessage(Msk(1), mtk));
  }
  void AddPackets(int count, int64_t at) {
    for (int i = 0; i < count; ++i) {
      recording_.Add("127.0.0.1:9000", kVideoGroup, At(at), headend_.Send());
    }
  }
  ReplayResult Run(Instant after) {
    const auto result = Replay(recording_.octets(), setup_, after);
    EXPECT_TRUE(result);
    return result.value_or(ReplayResult());
  }

  KeyServer server_;
  Headend headend_{server_, kVideo, srtp::MakeIndex(Roc(0), 65'530)};
  receiver::Setup setup_;
  net::Recording recording_;
};

TEST_F(ReplayTest, CountsBeforeAndAfterAnInstant) {
  AddMtk(1, 1);
  headend_.SwitchTo(Msk(1), 1);
  AddPackets(10, 10);
  AddPackets(5, 20);
  headend_.SwitchTo(Msk(2), 1);  // the member never gets this MSK
  AddPackets(7, 30);
  const ReplayResult at_switch = Run(At(30));
  EXPECT_EQ(at_switch.msk_messages, 1u);
  EXPECT_EQ(at_switch.keys, 1u);
  EXPECT_EQ(at_switch.opened_before, 15u);
  EXPECT_EQ(at_switch.opened_after, 0u);
  EXPECT_EQ(at_switch.refused_after, 7u);
  const ReplayResult earlier = Run(At(20));
  EXPECT_EQ(earlier.opened_before, 10u);
  EXPECT_EQ(earlier.opened_after, 5u);
  EXPECT_EQ(Run(kNever).opened_before, 15u);
}

TEST_F(ReplayTest, EveryKeyEverHeldIsTriedWhateverTheMkiSays) {
  for (uint16_t mtk = 1; mtk <= 40; ++mtk) AddMtk(mtk, mtk);
  headend_.SwitchTo(Msk(1), 3);  // the core itself holds the last 16 alone
  AddPackets(4, 100);
  const ReplayResult result = Run(At(50));
  EXPECT_EQ(result.keys, 40u);
  EXPECT_EQ(result.opened_after, 4u);
}

TEST_F(ReplayTest, OtherGroupsAreLeftOut) {
  recording_.Add("127.0.0.1:9000", "239.255.42.9:5004", At(5), Bytes(60, 0x80));
  const ReplayResult result = Run(At(0));
  EXPECT_EQ(result.opened_after + result.refused_after, 0u);
}

TEST_F(ReplayTest, SeveralSectionsAreOneRecording) {
  AddMtk(1, 1);
  recording_.Section();
  headend_.SwitchTo(Msk(1), 1);
  AddPackets(3, 10);
  EXPECT_EQ(Run(kNever).opened_before, 3u);
}

TEST_F(ReplayTest, AFileThatEndsInsideABlockCountsUpToThere) {
  AddMtk(1, 1);
  headend_.SwitchTo(Msk(1), 1);
  AddPackets(3, 10);
  const ByteView cut = ByteView(recording_.octets()).first(recording_.octets().size() - 5);
  const auto result = Replay(cut, setup_, kNever);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->cut_off);
  EXPECT_EQ(result->opened_before, 2u);
}

TEST_F(ReplayTest, SomethingElseIsNoRecording) {
  EXPECT_EQ(Replay(AsBytes("no pcapng at all, surely"), setup_, kNever).error(), Error::kMalformed);
}

}  // namespace
}  // namespace keymast::receiver
