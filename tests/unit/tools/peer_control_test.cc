// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_control.h"

#include "peer_world.h"
#include "tools/peer_report.h"

namespace keymast::tools {
namespace {

using enum sdp::Direction;
using namespace std::chrono_literals;

// Reports lets time go on until both sides have sent this many of their own.
void Reports(CallWorld& world, uint64_t count) {
  const auto is_done = [&] {
    return std::min(world.alice_.rtcp().source(0).sent, world.bob_.rtcp().source(0).sent) >= count;
  };
  for (int i = 0; i < 1000 && !is_done(); ++i) {
    world.now_ = std::min(world.alice_.deadline(), world.bob_.deadline());
    world.alice_.Tick(world.now_);
    world.bob_.Tick(world.now_);
    world.Pump();
  }
  ASSERT_TRUE(is_done());
}

TEST(PeerControl, BothSidesReportOnThePortOfTheirMedia) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
  EXPECT_EQ(world.alice_.exchange_deadline(), kNever);
  EXPECT_GT(world.alice_.deadline(), world.now_);
  world.TalkBoth(10);
  Reports(world, 1);
  world.TalkBoth(10);
  Reports(world, 3);
  for (const PeerCall* side : {&world.alice_, &world.bob_}) {
    const CallRtcp::Source source = side->rtcp().source(0);
    EXPECT_EQ(side->traffic(mikey::PortTraffic::kRtcp), source.received);
    EXPECT_EQ(side->traffic(mikey::PortTraffic::kRtp), 20u);
    EXPECT_GT(side->traffic(mikey::PortTraffic::kMikey), 0u);
    EXPECT_EQ(side->media().refused() + side->rtcp().refused(), 0u);
    EXPECT_GE(source.received, 3u);
    ASSERT_TRUE(source.told);
    EXPECT_EQ(source.told->lost, 0);
    EXPECT_TRUE(source.round_trip);
    EXPECT_FALSE(source.has_left);
  }
  EXPECT_EQ(world.alice_.rtcp().source(0).cname, world.bob_.rtcp().cname());
  EXPECT_NE(world.alice_.rtcp().cname(), world.bob_.rtcp().cname());
  EXPECT_EQ(world.alice_.rtcp().cname().size(), 16u);
}

TEST(PeerControl, EveryProfileProtectsThem) {
  for (const uint16_t profile : std::initializer_list<uint16_t>{1, 2, 7, 8}) {
    CallSetup alice = SetupOf(true);
    alice.policy.profiles.clear();
    alice.policy.profiles.Add(profile);
    CallWorld world(std::move(alice));
    world.AddStreams({kSendRecv});
    ASSERT_TRUE(world.Round(world.alice_, world.bob_));
    Reports(world, 2);
    EXPECT_EQ(world.alice_.media().refused() + world.bob_.media().refused(), 0u) << profile;
    EXPECT_GE(world.bob_.rtcp().source(0).received, 2u);
  }
}

TEST(PeerControl, LossIsTold) {
  CallWorld world;
  world.AddStreams({kSendOnly, kRecvOnly});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  world.lost_ = world.carried_ + 2;  // the third packet of five
  world.Talk(world.alice_, 5);
  // Bob reports under the SSRC of the stream that he sends: there is no key for him on the other.
  while (world.bob_.rtcp().source(1).sent == 0) {
    world.now_ = world.bob_.deadline();
    world.bob_.Tick(world.now_);
  }
  world.Pump();
  EXPECT_EQ(world.bob_.rtcp().source(0).sent, 0u);
  const auto told = world.alice_.rtcp().source(0).told;
  ASSERT_TRUE(told);
  EXPECT_EQ(told->lost, 1);
  EXPECT_EQ(told->fraction_lost, 256 / 5);
  EXPECT_FALSE(world.alice_.rtcp().source(0).round_trip);  // no SR of Alice's had come
  EXPECT_NE(ReportOf(world.alice_).find(R"("told":{"lost":1,"lost_of_256":51,)"),
            std::string::npos);
}

TEST(PeerControl, WhoOnlyReceivesSaysNothing) {
  CallWorld world;
  world.AddStreams({kSendOnly});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  EXPECT_EQ(world.bob_.deadline(), kNever);
  world.bob_.Leave(world.now_);
  EXPECT_TRUE(world.bob_.TakeOut().empty());
}

TEST(PeerControl, TheLastOneIsALeave) {
  CallWorld world;
  world.AddStreams({kSendRecv, kSendOnly});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  world.TalkBoth(3);
  world.alice_.Leave(world.now_);
  world.Pump();
  EXPECT_TRUE(world.bob_.rtcp().source(0).has_left);
  EXPECT_TRUE(world.bob_.rtcp().source(1).has_left);
  EXPECT_EQ(world.bob_.traffic(mikey::PortTraffic::kRtcp), 2u);
  EXPECT_EQ(world.alice_.deadline(), kNever);
  EXPECT_EQ(world.alice_.SendRtp(0, Bytes(20, 0x80), world.now_).error(), Error::kPolicyViolation);
  world.alice_.Leave(world.now_);  // once
  EXPECT_TRUE(world.alice_.TakeOut().empty());
  EXPECT_NE(ReportOf(world.bob_).find(R"("left":true)"), std::string::npos);
}

// RFC 3550 §6.3.7.
TEST(PeerControl, WhoWasNeverHeardTakesNoLeave) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  world.alice_.Leave(world.now_);
  EXPECT_TRUE(world.alice_.TakeOut().empty());
}

// SRTCP indexes begin again under a new key, with its MKI.
TEST(PeerControl, ALaterRoundsKeysProtectThemToo) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  world.TalkBoth(3);
  Reports(world, 2);
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.bob_, world.alice_)) << world.bob_.failure().message;
  world.TalkBoth(3);
  Reports(world, 5);
  EXPECT_EQ(world.alice_.media().refused() + world.bob_.media().refused(), 0u);
  EXPECT_GE(world.alice_.rtcp().source(1).received, 1u);
  ASSERT_TRUE(world.alice_.rtcp().source(0).told);
  EXPECT_EQ(world.alice_.rtcp().source(0).told->lost, 0);
}

TEST(PeerControl, ForgedOrRepeatedReportsAreRefused) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  std::vector<Datagram> sent;
  while (sent.empty()) {
    world.now_ = world.alice_.deadline();
    world.alice_.Tick(world.now_);
    sent = world.alice_.TakeOut();
  }
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(mikey::TrafficOf(sent[0].octets), mikey::PortTraffic::kRtcp);
  for (size_t i = 4; i < sent[0].octets.size(); ++i) {
    Bytes forged = sent[0].octets;
    forged[i] ^= 1;
    world.bob_.OnDatagram(kAlicesPort, forged, world.now_);
    EXPECT_EQ(world.bob_.rtcp().source(0).received, 0u) << i;
  }
  for (int i = 0; i < 2; ++i) {
    Bytes again = sent[0].octets;
    world.bob_.OnDatagram(kAlicesPort, again, world.now_);
  }
  EXPECT_EQ(world.bob_.rtcp().source(0).received, 1u);
}

// What authenticates and is no compound packet changes nothing.
TEST(PeerControl, WhatCannotBeReadIsCounted) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  Bytes packet = {0x80, 201, 0, 1};
  packet.resize(8);
  Writer(MutableBytes(packet).subspan(4))
      .U32(world.alice_.media().streams()[0].sender.ssrc().value);
  Bytes sent = *world.alice_.media().ProtectRtcp(0, packet);
  world.bob_.OnDatagram(kAlicesPort, sent, world.now_);
  EXPECT_EQ(world.bob_.rtcp().refused(), 1u);
  EXPECT_EQ(world.bob_.rtcp().source(0).received, 0u);
}

// MIKEYv2 §12: what the other side says counts when it is known whose it is.
TEST(PeerControl, ProvisionalReportsAreHeld) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.bob_.TakeOffer(*world.alice_.Offer(world.now_), world.now_));
  ASSERT_TRUE(world.alice_.OpenEarly(kBobsPort, world.now_));
  world.Pump();
  world.Talk(world.bob_, 3);
  Reports(world, 1);
  world.bob_.Leave(world.now_);
  world.Pump();
  const CallRtcp::Source early = world.alice_.rtcp().source(0);
  EXPECT_EQ(early.cname, "");
  EXPECT_FALSE(early.has_left);
  EXPECT_FALSE(early.told);
  EXPECT_EQ(early.received, 0u);
  ASSERT_TRUE(world.alice_.TakeAnswer(*world.bob_.Answer(world.now_), world.now_));
  const CallRtcp::Source source = world.alice_.rtcp().source(0);
  EXPECT_EQ(source.cname, world.bob_.rtcp().cname());
  EXPECT_TRUE(source.has_left);
  EXPECT_EQ(source.received, world.bob_.rtcp().source(0).sent);
}

TEST(PeerControl, ProvisionalReportsGoWithTheirKeys) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.bob_.TakeOffer(*world.alice_.Offer(world.now_), world.now_));
  ASSERT_TRUE(world.alice_.OpenEarly(kBobsPort, world.now_));
  world.Pump();
  Reports(world, 1);
  EXPECT_EQ(world.alice_.rtcp().source(0).received, 0u);
  std::string answer = *world.bob_.Answer(world.now_);
  const size_t at = answer.find("a=mikeyv2-cap:") + 19;
  answer[at] = answer[at] == 'A' ? 'B' : 'A';
  ASSERT_TRUE(world.alice_.TakeAnswer(answer, world.now_));
  EXPECT_EQ(world.alice_.rtcp().source(0).received, 0u);
  EXPECT_EQ(world.alice_.rtcp().source(0).sent, 0u);
}

}  // namespace
}  // namespace keymast::tools
