// SPDX-License-Identifier: Apache-2.0
// Which MTKs a headend is given after it, or the server, or both began anew: an MTK that another
// process may have used up to an unknown index goes to nobody else.
#include "tests/unit/controller/fake_headend.h"

namespace keymast::controller {
namespace {

struct Issue : testing::Test {
  Issue() {
    groups::KeyPolicy policy;
    policy.mtk_period = seconds(60);
    world.MakeChannel(policy);
    world.AddMembers(1, 2);
    headend = std::make_unique<FakeHeadend>(world);
    world.Pass(milliseconds(900));
    headend->Connect();
    headend->Run(seconds(5));
    before = NameOf(*world.ladder().active);
  }
  static std::pair<MskId, MtkId> NameOf(const rekey::Slot& slot) { return {slot.msk, slot.mtk}; }
  Duration exclusion_lead() const { return world.channel().channel.policy.exclusion_lead; }

  void ExpectOnAir(FakeHeadend& one) {
    const std::optional<KeyAt> current = one.Current();
    ASSERT_TRUE(current.has_value());
    EXPECT_EQ(std::pair(current->msk, current->mtk), NameOf(*world.ladder().active));
    EXPECT_TRUE(world.members.at(1).HasMtk(current->msk, current->mtk));
  }
  // ExpectFresh: nothing at first, and an exclusion lead later an MTK that nobody had.
  void ExpectFresh(FakeHeadend& one) {
    EXPECT_FALSE(one.Current().has_value());
    one.Run(exclusion_lead() + milliseconds(100));
    ExpectOnAir(one);
    EXPECT_GT(NameOf(*world.ladder().active), before);
    const auto& history = world.channel().history;
    EXPECT_TRUE(std::any_of(history.begin(), history.end(), [](const rekey::Rekey& rekey) {
      return rekey.reason == rekey::RekeyReason::kHeadend;
    }));
  }

  World world;
  std::unique_ptr<FakeHeadend> headend;
  std::pair<MskId, MtkId> before;
};

TEST_F(Issue, ARestartWithItsStateGoesOnAtOnceUnderTheSameMtk) {
  headend->Restart(true);
  world.Pass(seconds(2));
  headend->Connect();
  ExpectOnAir(*headend);
  EXPECT_EQ(NameOf(*world.ladder().active), before);
}

TEST_F(Issue, WhereItGoesOnIsKnownBeforeItsFirstPacket) {
  headend->Restart(true);
  headend->KeepState(true, uint64_t{5} << 16, before);
  headend->Connect();
  EXPECT_EQ(world.channel().positions.at(kVideo).index.value >> 16, 5U);
  EXPECT_EQ(world.durable.channels.at(kNews).positions.at(kVideo).index.value >> 16, 5U);
}

TEST_F(Issue, ARestartWithoutItsStateBeginsUnderAFreshMtk) {
  headend->Restart(false);
  world.Pass(seconds(2));
  headend->Connect();
  ExpectFresh(*headend);
}

TEST_F(Issue, AStateOlderThanItsReportsIsNoState) {
  headend->Restart(true);
  headend->Rewind(200);
  headend->Connect();
  ExpectFresh(*headend);
}

TEST_F(Issue, AnotherHeadendBeginsUnderAFreshMtk) {
  headend->Restart(true);
  world.Do(DeleteHeadend{kStudio});
  FakeHeadend another(world, HeadendId("another"));
  another.Connect();
  ExpectFresh(another);
}

TEST_F(Issue, OneEnrolledAgainIsAnotherOne) {
  headend->Restart(true);
  world.Do(DeleteHeadend{kStudio});
  world.Pass(seconds(1));
  FakeHeadend again(world);
  again.KeepState(true, 1'000'000, before);
  again.Connect();
  ExpectFresh(again);
}

TEST_F(Issue, APreparedMtkThatAnotherWasGivenIsDropped) {
  while (!world.ladder().prepared) headend->Run(milliseconds(100));
  const auto dropped = NameOf(*world.ladder().prepared);
  headend->Restart(false);
  headend->Connect();
  ExpectFresh(*headend);
  EXPECT_GT(NameOf(*world.ladder().active), dropped);
}

TEST_F(Issue, AnExclusionStaysOneWhenItsMtkIsReplaced) {
  const Reply reply = world.Do(Expel{kNews, {IdOf(2)}});
  headend->Restart(false);
  headend->Connect();
  ExpectFresh(*headend);
  EXPECT_EQ(world.ladder().active->msk, reply.rekey->msk);
  EXPECT_GT(world.ladder().active->mtk, reply.rekey->mtk);
  EXPECT_FALSE(world.members.at(2).HasMsk(reply.rekey->msk));
}

TEST_F(Issue, AFreshMtkIsAnnouncedThreeTimesAlsoOffTheGrid) {
  world.now += Duration(1);
  headend->Restart(false);
  headend->Connect();
  const rekey::Slot fresh = *world.ladder().prepared;
  world.PassUntil(fresh.switch_at - milliseconds(1));
  EXPECT_GE(world.MtksOf(fresh.msk, fresh.mtk).size(), 3U);
}

TEST_F(Issue, OneWithoutStateIsNotGivenAnMtkThatNobodyHadEither) {
  headend->Restart(true);
  while (!world.ladder().prepared) world.Pass(milliseconds(100));
  const auto prepared = NameOf(*world.ladder().prepared);
  world.Pass(seconds(10));
  ASSERT_TRUE(world.core->SwitchIsHeld(kNews));
  headend->Restart(false);
  headend->Connect();
  ExpectFresh(*headend);
  EXPECT_GT(NameOf(*world.ladder().active), prepared);
}

TEST_F(Issue, AnMtkOfLostCommitsIsNotPreparedAgain) {
  rekey::State lost = world.durable;
  while (NameOf(*world.ladder().active) == before) headend->Run(milliseconds(500));
  const auto on_air = NameOf(*world.ladder().active);
  for (const rekey::Change& change : rekey::SkipLost(lost, 8, rekey::SkipLimit::kNone)) {
    rekey::Apply(lost, change);
  }
  world.durable = std::move(lost);
  world.Restart(seconds(1));
  world.Do(DeleteHeadend{kStudio});
  FakeHeadend another(world, HeadendId("another"));
  another.Connect();
  another.Run(seconds(70));
  ExpectOnAir(another);
  EXPECT_GT(NameOf(*world.ladder().active), on_air);
}

TEST_F(Issue, ADeletionThatDoesNotBecomeDurableLeavesTheHeadendConnected) {
  rekey::State durable = world.durable;
  Step dropped;
  ASSERT_TRUE(world.core->Do(DeleteHeadend{kStudio}, world.now, false, dropped));
  EXPECT_TRUE(world.core->OnHeadendReport(headend->Report(), world.now).headend_keys.empty());
  world.core->Reload(std::move(durable), world.now);
  world.Do(Expel{kNews, {IdOf(2)}});
  const std::pair<MskId, MtkId> next = NameOf(*world.ladder().prepared);
  headend->Run(seconds(3));
  ExpectOnAir(*headend);
  EXPECT_EQ(NameOf(*world.ladder().active), next);
}

TEST_F(Issue, AHeldSwitchEndsWithAFreshMtkForOneWithoutState) {
  headend->Run(seconds(40));
  while (!world.ladder().prepared) headend->Run(milliseconds(100));
  headend->Restart(false);
  world.Pass(seconds(20));
  ASSERT_TRUE(world.core->SwitchIsHeld(kNews));
  headend->Connect();
  EXPECT_FALSE(world.core->SwitchIsHeld(kNews));
  ExpectFresh(*headend);
}

TEST_F(Issue, WhatWasUsedBeforeTheLossStaysOutOfReachOfTheNewState) {
  headend->Restart(false);
  headend->Connect();
  headend->Restart(true);
  const size_t boxes = world.boxes.size();
  headend->Connect();
  ASSERT_EQ(world.boxes.size(), boxes + 1);
  EXPECT_GT(std::pair(world.boxes.back().msk, world.boxes.back().mtk), before);
  ExpectFresh(*headend);
}

TEST_F(Issue, TwoStateFilesOfOneHeadendAreTwoHeadends) {
  headend->Restart(false);
  headend->Connect();
  headend->Run(seconds(3));
  ExpectOnAir(*headend);
  const auto used = NameOf(*world.ladder().active);
  ASSERT_GT(used, before);
  // The first file comes back: it is above all that a restarted server knows, but never had `used`.
  headend->Restart(false);
  headend->KeepState(true, 1'000'000, before);
  world.Restart(seconds(1));
  before = used;
  headend->Connect();
  ExpectFresh(*headend);
}

TEST_F(Issue, AJumpOverARocIsToldToMembers) {
  world.Pass(seconds(5));
  const size_t sent = world.MsksTo(1).size();
  headend->Restart(true);
  headend->KeepState(true, uint64_t{3} << 16, before);
  headend->Connect();
  EXPECT_EQ(world.MsksTo(1).size(), sent + 1);
  EXPECT_EQ(world.members.at(1).Msk(before.first).streams[0].roc, Roc(3));
}

TEST_F(Issue, ManySmallStepsWithoutAPacketAreAJumpToo) {
  world.Pass(seconds(5));
  const size_t sent = world.MsksTo(1).size();
  for (uint64_t step = 1; step <= 8; ++step) {
    headend->Restart(true);
    headend->KeepState(true, step << 14, before);
    world.Connect(kStudio);
    HeadendReport report{kStudio, {}, {}, {}};
    const Instant created = world.channel().channel.created;
    report.kept.push_back(
        {kNews, created, kVideo, PacketIndex(step << 14), before.first, before.second});
    report.kept.push_back({kNews, created, kAudio, PacketIndex(100), before.first, before.second});
    world.Report(report);
    world.Pass(seconds(1));
  }
  EXPECT_EQ(world.MsksTo(1).size(), sent) << "up to the next ROC receivers find it by themselves";
  headend->KeepState(true, uint64_t{2} << 16, before);
  world.Connect(kStudio);
  headend->Connect();
  EXPECT_EQ(world.MsksTo(1).size(), sent + 1);
}

TEST_F(Issue, OneReportDoesNotUseUpAStream) {
  headend->Restart(true);
  headend->KeepState(true, uint64_t{1} << 47, before);
  headend->Connect();
  EXPECT_LT(world.channel().positions.at(kVideo).index.value, uint64_t{1} << 33);
}

TEST_F(Issue, AfterARestartOfTheServerTheStateIsEnough) {
  headend->Restart(true);
  world.Restart(seconds(1));
  headend->Connect();
  ExpectOnAir(*headend);
  EXPECT_EQ(NameOf(*world.ladder().active), before);
}

TEST_F(Issue, AfterARestartOfTheServerNoStateMeansAFreshMtk) {
  headend->Restart(false);
  world.Restart(seconds(1));
  headend->Connect();
  ExpectFresh(*headend);
}

TEST_F(Issue, ALiveHeadendKeepsItsKeyWhenTheServerRestarts) {
  world.Disconnect(kStudio);
  world.Restart(seconds(1));
  headend->Connect();
  headend->Run(seconds(2));
  ExpectOnAir(*headend);
  EXPECT_EQ(NameOf(*world.ladder().active), before);
}

TEST_F(Issue, NothingNewWhileNothingCanBeMadeDurableAndAFreshMtkAfterwards) {
  headend->Restart(false);
  world.core->Freeze(true, world.now);
  headend->Connect();
  headend->Run(seconds(3));
  EXPECT_FALSE(headend->Current().has_value());
  EXPECT_FALSE(world.ladder().prepared.has_value());
  world.core->Freeze(false, world.now);
  headend->Run(seconds(1));
  ExpectFresh(*headend);
}

TEST_F(Issue, ALoopOfCrashesWithoutStateNeverSeesAKeyTwice) {
  std::set<std::pair<MskId, MtkId>> seen{before};
  for (int i = 0; i < 20; ++i) {
    headend->Restart(false);
    world.Pass(milliseconds(100));
    const size_t boxes = world.boxes.size();
    headend->Connect();
    ASSERT_EQ(world.boxes.size(), boxes + 1);
    EXPECT_TRUE(seen.emplace(world.boxes.back().msk, world.boxes.back().mtk).second);
  }
}

}  // namespace
}  // namespace keymast::controller
