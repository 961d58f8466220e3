// SPDX-License-Identifier: Apache-2.0
// What is done sooner than its instant, so that it is in time: the same keys at the same switches,
// announced by messages that wait for no commit, and rounds that leave before they are due.
#include "rekey/grid.h"
#include "tests/unit/controller/world.h"

namespace keymast::controller {
namespace {

constexpr Ahead kAhead{milliseconds(250), milliseconds(10)};

World Begun(const Ahead& ahead, const groups::KeyPolicy& policy) {
  World world;
  world.ahead = ahead;
  world.Restart(Duration(0));
  world.MakeChannel(policy);
  world.AddMembers(1, 2);
  return world;
}

groups::KeyPolicy Brisk() {
  groups::KeyPolicy policy;
  policy.mtk_period = seconds(2);
  policy.mtk_lead = seconds(1);
  policy.mtk_repetition = milliseconds(250);
  policy.msk_period = seconds(20);
  policy.msk_lead = seconds(1);
  policy.msk_give_up = milliseconds(500);
  return policy;
}

groups::KeyPolicy OffTheGrid() {
  groups::KeyPolicy policy;
  policy.mtk_lead = milliseconds(2300);
  policy.mtk_repetition = milliseconds(700);
  return policy;
}

groups::KeyPolicy Quickest() {
  groups::KeyPolicy policy;
  policy.mtk_period = seconds(1);
  policy.mtk_lead = milliseconds(900);  // each MTK is overdue when its turn comes
  policy.mtk_repetition = milliseconds(10);
  return policy;
}

std::vector<groups::KeyPolicy> Policies() { return {{}, Brisk(), OffTheGrid(), Quickest()}; }

std::vector<rekey::Rekey> Scheduled(const World& world) {
  std::vector<rekey::Rekey> found;
  for (const rekey::Rekey& rekey : world.channel().history) {
    if (rekey.level == rekey::KeyLevel::kMtk) found.push_back(rekey);
  }
  return found;
}

TEST(InTime, TheSameKeysAreUsedFromTheSameInstants) {
  for (const groups::KeyPolicy& policy : Policies()) {
    World world = Begun(kAhead, policy);
    World in_time = Begun({}, policy);
    world.PassUntil(kBegin + seconds(45));
    in_time.PassUntil(kBegin + seconds(45));
    ASSERT_GE(world.used.size(), 4U);
    EXPECT_EQ(world.used, in_time.used);
  }
}

TEST(InTime, WhatAnnouncesAKeyWaitsForNoCommitAndIsNotLate) {
  for (const groups::KeyPolicy& policy : {groups::KeyPolicy{}, Brisk(), OffTheGrid()}) {
    World world = Begun(kAhead, policy);
    world.Pass(seconds(60));
    const std::vector<rekey::Rekey> keys = Scheduled(world);
    ASSERT_GE(keys.size(), 4U);
    for (const rekey::Rekey& key : keys) {
      const Instant announced = key.switch_at - policy.mtk_lead;
      EXPECT_EQ(key.prepared_at, announced - kAhead.decide);
      const std::vector<Sent> messages = world.MtksOf(key.msk, key.mtk);
      ASSERT_FALSE(messages.empty());
      EXPECT_LE(messages.front().at, announced - kAhead.send);
      EXPECT_FALSE(messages.front().waits);
    }
  }
}

TEST(InTime, TheFirstMessageOfAKeyCountsAsOne) {
  World world = Begun(kAhead, {});
  world.Pass(seconds(60));
  while (world.ladder().prepared) world.Pass(milliseconds(100));
  EXPECT_EQ(world.core->counters().mtk_messages, Scheduled(world).size());
}

TEST(InTime, AShortLeadHasItsCopies) {
  groups::KeyPolicy policy;
  policy.mtk_lead = policy.exclusion_lead;
  policy.mtk_repetition = policy.mtk_lead / 2;
  World world = Begun(kAhead, policy);
  world.Pass(seconds(40));
  const rekey::Rekey key = Scheduled(world).at(1);
  const std::vector<Sent> messages = world.MtksOf(key.msk, key.mtk);
  const auto copies = std::count_if(messages.begin(), messages.end(), [&](const Sent& one) {
    const Instant announced = key.switch_at - policy.mtk_lead - kAhead.send;
    return one.at >= announced && one.at <= announced + milliseconds(100);
  });
  EXPECT_EQ(copies, 3) << "50 ms apart";
}

TEST(InTime, WhoComesWhileAKeyWaitsForItsAnnouncementHearsARoundAtOnce) {
  groups::KeyPolicy policy;
  policy.mtk_lead = seconds(4);
  policy.mtk_repetition = seconds(2);
  World world = Begun(kAhead, policy);
  const Instant announced = world.ladder().active->switch_at + policy.mtk_period - policy.mtk_lead;
  const Instant decided =
      rekey::Grid(kNews, policy.mtk_period).AtOrAfter(announced + policy.mtk_lead) -
      policy.mtk_lead - kAhead.decide;
  world.PassUntil(decided - milliseconds(20));
  world.AddMembers(3, 3);  // a round
  world.Pass(milliseconds(5));
  world.AddMembers(4, 4);  // another one is promised
  world.PassUntil(decided);
  ASSERT_TRUE(world.ladder().prepared);
  world.sent.clear();
  world.Pass(milliseconds(50));
  EXPECT_FALSE(world.sent.empty());
}

TEST(InTime, EachRoundLeavesOnceBeforeItsInstant) {
  World world = Begun(kAhead, {});
  world.Pass(seconds(5));
  world.sent.clear();
  world.Pass(seconds(30));
  const Duration period = world.channel().channel.policy.mtk_repetition;
  const rekey::Grid grid(kNews, period);
  Instant round{};
  for (const Sent& one : world.sent) {
    if (one.kind != mikey::MessageKind::kMtk || one.at == round - kAhead.send) continue;
    if (round != Instant{}) {
      EXPECT_EQ(one.due, round + period);
    }
    round = one.due;
    EXPECT_EQ(grid.AtOrAfter(round), round);
    EXPECT_EQ(one.at, round - kAhead.send);
  }
  EXPECT_GE(round, world.now - period);
}

TEST(InTime, RoundsAsCloseAsTheyMayBeAreOneEach) {
  groups::KeyPolicy policy = Quickest();
  policy.mtk_period = seconds(60);
  World world = Begun(kAhead, policy);
  world.Pass(seconds(2));
  world.sent.clear();
  world.Pass(seconds(1));
  EXPECT_EQ(world.sent.size(), 100U);
}

TEST(InTime, WhoIsExpelledWhileAKeyWaitsForItsAnnouncementHearsNoMoreOfIt) {
  World world = Begun(kAhead, {});
  const Instant prepared = world.ladder().active->switch_at + seconds(30);
  while (!world.ladder().prepared && world.now < prepared) world.Pass(milliseconds(10));
  ASSERT_TRUE(world.ladder().prepared);
  const rekey::Slot dropped = *world.ladder().prepared;
  ASSERT_TRUE(world.MtksOf(dropped.msk, dropped.mtk).empty());
  world.Do(Expel{kNews, {IdOf(1)}});
  world.Pass(seconds(30));
  EXPECT_TRUE(world.MtksOf(dropped.msk, dropped.mtk).empty());
  const rekey::Slot& active = *world.ladder().active;
  EXPECT_FALSE(world.members.at(1).HasMtk(active.msk, active.mtk));
  EXPECT_TRUE(world.members.at(2).HasMtk(active.msk, active.mtk));
}

TEST(InTime, ACrashBeforeTheAnnouncementLeavesItToTheRounds) {
  World world = Begun(kAhead, {});
  const Instant end = world.now + seconds(30);
  while (!world.ladder().prepared && world.now < end) world.Pass(milliseconds(10));
  const rekey::Slot prepared = *world.ladder().prepared;
  world.Restart(milliseconds(20));
  world.PassUntil(prepared.switch_at);
  ASSERT_FALSE(world.MtksOf(prepared.msk, prepared.mtk).empty());
  const Duration lead = world.channel().channel.policy.mtk_lead;
  EXPECT_LE(world.MtksOf(prepared.msk, prepared.mtk).front().at, prepared.switch_at - lead);
  EXPECT_EQ(world.ladder().active->mtk, prepared.mtk);
}

}  // namespace
}  // namespace keymast::controller
