// SPDX-License-Identifier: Apache-2.0
// Headends: boxes, positions, and switches that wait for one that has the key.
#include "tests/unit/controller/fake_headend.h"

namespace keymast::controller {
namespace {

struct OnAir : testing::Test {
  OnAir() {
    groups::KeyPolicy policy;
    policy.mtk_period = seconds(4);
    world.MakeChannel(policy);
    world.AddMembers(1, 2);
    headend = std::make_unique<FakeHeadend>(world);
    world.Pass(milliseconds(900));
  }
  // BetweenKeys runs until no next key is announced.
  void BetweenKeys() {
    while (world.ladder().prepared) headend->Run(milliseconds(100));
  }
  void ExpectInStep() {
    const std::optional<KeyAt> current = headend->Current();
    ASSERT_TRUE(current.has_value());
    EXPECT_TRUE(world.members.at(1).HasMtk(current->msk, current->mtk));
    EXPECT_EQ(current->msk, world.ladder().active->msk);
    EXPECT_EQ(current->mtk, world.ladder().active->mtk);
  }
  World world;
  std::unique_ptr<FakeHeadend> headend;
};

TEST_F(OnAir, ANewHeadendSendsUnderTheActiveKeyAtOnce) {
  headend->Connect();
  ExpectInStep();
  EXPECT_EQ(world.CountOf(Event::Kind::kHeadendConnected), 1U);
  EXPECT_TRUE(world.core->HeadendIsConnected(kStudio));
}

TEST_F(OnAir, FollowsEverySwitchWithoutAHold) {
  headend->Connect();
  headend->Run(seconds(60));
  ExpectInStep();
  EXPECT_EQ(world.core->counters().switches_held, 0U);
  EXPECT_GE(world.used.size(), 14U);
  EXPECT_EQ(world.boxes.size(), headend->boxes_opened()) << "each key was boxed once";
}

TEST_F(OnAir, WithoutItTheSwitchIsHeldAndBothKeysAreRepeated) {
  headend->Connect();
  headend->Run(seconds(9));
  world.Disconnect(kStudio);
  world.Pass(seconds(20));
  EXPECT_TRUE(world.core->SwitchIsHeld(kNews));
  EXPECT_EQ(world.core->counters().switches_held, 1U);
  const rekey::Slot active = *world.ladder().active;
  const rekey::Slot prepared = *world.ladder().prepared;
  const size_t active_sent = world.MtksOf(active.msk, active.mtk).size();
  const size_t prepared_sent = world.MtksOf(prepared.msk, prepared.mtk).size();
  world.Pass(seconds(5));
  EXPECT_EQ(world.MtksOf(active.msk, active.mtk).size(), active_sent + 10);
  EXPECT_EQ(world.MtksOf(prepared.msk, prepared.mtk).size(), prepared_sent + 10);
}

TEST_F(OnAir, OneThatStayedBehindSwitchesALeadAfterItCameBack) {
  headend->Connect();
  headend->Run(seconds(9));
  BetweenKeys();
  world.Disconnect(kStudio);
  world.Pass(seconds(20));
  ASSERT_TRUE(world.core->SwitchIsHeld(kNews));
  const rekey::Slot prepared = *world.ladder().prepared;
  const size_t boxes = world.boxes.size();
  headend->Connect();
  EXPECT_FALSE(world.core->SwitchIsHeld(kNews));
  ASSERT_EQ(world.boxes.size(), boxes + 1);
  EXPECT_EQ(world.boxes.back().mtk, prepared.mtk);
  EXPECT_EQ(world.boxes.back().switch_at, world.now + world.channel().channel.policy.mtk_lead);
  headend->Run(seconds(30));
  ExpectInStep();
  EXPECT_EQ(world.core->counters().switches_held, 1U);
}

TEST_F(OnAir, OneThatSwitchedAloneIsFollowed) {
  headend->Connect();
  headend->Run(seconds(5));
  while (!world.ladder().prepared) world.Pass(milliseconds(100));
  world.Report(headend->Report());  // it has the prepared key
  const rekey::Slot prepared = *world.ladder().prepared;
  world.Disconnect(kStudio);
  world.Pass(seconds(20));
  ASSERT_TRUE(world.core->SwitchIsHeld(kNews));
  headend->Connect();
  EXPECT_EQ(world.ladder().active->mtk, prepared.mtk);
  EXPECT_FALSE(world.core->SwitchIsHeld(kNews));
  headend->Run(seconds(10));
  ExpectInStep();
}

TEST_F(OnAir, AServerThatCameBackFollowsAHeadendThatSwitched) {
  headend->Connect();
  headend->Run(seconds(5));
  while (!world.ladder().prepared) world.Pass(milliseconds(100));
  const rekey::Slot prepared = *world.ladder().prepared;
  world.Restart(seconds(7));
  headend->Connect();
  EXPECT_EQ(world.ladder().active->mtk, prepared.mtk);
  headend->Run(seconds(10));
  ExpectInStep();
}

TEST_F(OnAir, AnExclusionDuringAHoldGoesOnAirWithTheHeadend) {
  headend->Connect();
  headend->Run(seconds(9));
  world.Disconnect(kStudio);
  world.Pass(seconds(10));
  ASSERT_TRUE(world.core->SwitchIsHeld(kNews));
  const Reply reply = world.Do(Expel{kNews, {IdOf(1)}});
  world.Pass(seconds(3));
  EXPECT_TRUE(world.core->SwitchIsHeld(kNews));
  EXPECT_EQ(world.core->counters().switches_held, 2U);
  // A second exclusion need not wait behind one that is held.
  const Reply second = world.Do(Expel{kNews, {IdOf(2)}});
  EXPECT_GT(second.rekey->msk, reply.rekey->msk);
  world.Pass(seconds(3));
  headend->Connect();
  headend->Run(seconds(3));
  const std::optional<KeyAt> current = headend->Current();
  ASSERT_TRUE(current.has_value());
  EXPECT_EQ(current->msk, second.rekey->msk);
  EXPECT_FALSE(world.members.at(1).HasMsk(current->msk));
  EXPECT_FALSE(world.members.at(2).HasMsk(current->msk));
}

TEST_F(OnAir, AnExclusionReachesItInTime) {
  headend->Connect();
  headend->Run(milliseconds(5300));
  const Reply reply = world.Do(Expel{kNews, {IdOf(2)}});
  world.PassUntil(reply.rekey->switch_at);
  EXPECT_EQ(headend->Current()->msk, reply.rekey->msk);
  headend->Run(seconds(3));
  ExpectInStep();
  EXPECT_EQ(world.core->counters().switches_held, 0U);
}

TEST_F(OnAir, PositionsNeverGoBack) {
  headend->Connect();
  const auto report = [&](uint64_t index) {
    HeadendReport said{kStudio, {}, {}, {}};
    said.positions.push_back({kNews, kVideo, {PacketIndex(index), MskNo(1), MtkId(1)}});
    return world.Report(said);
  };
  EXPECT_FALSE(report(0x30005).changes.empty());
  EXPECT_TRUE(report(0x30006).changes.empty()) << "only a new ROC needs to be durable";
  EXPECT_TRUE(report(0x20000).changes.empty());
  EXPECT_EQ(world.channel().positions.at(kVideo).index, PacketIndex(0x30006));
  EXPECT_FALSE(report(0x40000).changes.empty());
}

TEST_F(OnAir, WhatIsNotItsOwnIsIgnored) {
  headend->Connect();
  HeadendReport said{kStudio, {}, {}, {}};
  said.positions.push_back({ChannelId("other"), kVideo, {PacketIndex(5), MskNo(1), MtkId(1)}});
  said.positions.push_back({kNews, Ssrc(99), {PacketIndex(5), MskNo(1), MtkId(1)}});
  EXPECT_TRUE(world.Report(said).changes.empty());
  EXPECT_FALSE(world.channel().positions.contains(Ssrc(99)));
  HeadendReport stranger{HeadendId("nobody"), {}, {}, {}};
  EXPECT_TRUE(world.Report(stranger).headend_keys.empty());
}

TEST_F(OnAir, ASecondOneWithTheSameSsrcsIsRefused) {
  groups::Headend second;
  second.id = HeadendId("spare");
  second.public_key = crypto::MakeKeyPair(*world.rng).public_key;
  second.channels = {kNews};
  const Failure failure = world.Refused(CreateHeadend{second});
  EXPECT_EQ(failure.error, Error::kSsrcInUse);
  EXPECT_EQ(failure.resource, "headends/spare");
  world.Do(DeleteHeadend{kStudio});
  world.Do(CreateHeadend{second});
}

TEST_F(OnAir, DeletingItLetsTheChannelRunFree) {
  headend->Connect();
  headend->Run(seconds(5));
  world.Disconnect(kStudio);
  world.Pass(seconds(20));
  ASSERT_TRUE(world.core->SwitchIsHeld(kNews));
  world.Do(DeleteHeadend{kStudio});
  EXPECT_FALSE(world.core->SwitchIsHeld(kNews));
  const rekey::Slot active = *world.ladder().active;
  world.Pass(seconds(9));
  EXPECT_GT(world.ladder().active->mtk, active.mtk);
}

TEST_F(OnAir, AKeyThatCannotBeSealedToIsRefused) {
  groups::Headend zero;
  zero.id = HeadendId("zero");
  const Failure failure = world.Refused(CreateHeadend{zero});
  EXPECT_EQ(failure.error, Error::kInvalidArgument);
  ASSERT_EQ(failure.violations.size(), 1U);
  EXPECT_EQ(failure.violations[0].field, "headend.public_key");
}

TEST_F(OnAir, AHeadendThatComesWhileNothingCanBeMadeDurableIsGivenTheKeysOnAir) {
  world.core->Freeze(true, world.now);
  headend->Connect();
  ExpectInStep();
  HeadendReport report = headend->Report();
  report.positions.front().position.index = PacketIndex(uint64_t{7} << 16);
  EXPECT_TRUE(world.core->OnHeadendReport(report, world.now).changes.empty());
}

}  // namespace
}  // namespace keymast::controller
