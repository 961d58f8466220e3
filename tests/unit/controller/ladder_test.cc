// SPDX-License-Identifier: Apache-2.0
// MTKs and MSKs on schedule, as a member sees them.
#include "rekey/grid.h"
#include "tests/unit/controller/world.h"

namespace keymast::controller {
namespace {

TEST(Schedule, AJoinerHasTheActiveTrafficKeyAtOnce) {
  World world;
  world.MakeChannel();
  world.Pass(milliseconds(123));
  world.AddMembers(1, 1);
  EXPECT_TRUE(world.members.at(1).HasMsk(MskNo(1)));
  EXPECT_TRUE(world.members.at(1).HasMtk(MskNo(1), MtkId(1)));
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kConfirmed);
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 1U);
  EXPECT_EQ(world.core->counters().msk_verifications, 1U);
}

TEST(Schedule, SwitchesFallOnTheGridAndAreAnnouncedALeadAhead) {
  World world;
  const groups::KeyPolicy policy;
  world.MakeChannel(policy);
  world.AddMembers(1, 1);
  world.Pass(policy.mtk_period * 10);
  const rekey::Grid grid(kNews, policy.mtk_period);
  std::vector<Instant> switches;
  for (const rekey::Rekey& rekey : world.channel().history) {
    if (rekey.level != rekey::KeyLevel::kMtk) continue;
    switches.push_back(rekey.switch_at);
    EXPECT_EQ(grid.AtOrAfter(rekey.switch_at), rekey.switch_at);
    EXPECT_EQ(rekey.prepared_at, rekey.switch_at - policy.mtk_lead);
    const std::vector<Sent> announced = world.MtksOf(rekey.msk, rekey.mtk);
    ASSERT_FALSE(announced.empty());
    EXPECT_EQ(announced.front().at, rekey.prepared_at);
  }
  ASSERT_GE(switches.size(), 9U);
  for (size_t i = 1; i < switches.size(); ++i) {
    EXPECT_EQ(switches[i] - switches[i - 1], policy.mtk_period);
  }
  EXPECT_TRUE(world.members.at(1).HasMtk(world.ladder().active->msk, world.ladder().active->mtk));
}

TEST(Schedule, TheNextMskIsWithEveryMemberBeforeItsFirstTrafficKey) {
  groups::KeyPolicy policy;
  policy.mtk_period = seconds(2);
  policy.mtk_lead = seconds(1);
  policy.mtk_repetition = milliseconds(250);
  policy.msk_period = seconds(20);
  policy.msk_lead = seconds(8);
  policy.msk_give_up = seconds(4);
  World world;
  world.MakeChannel(policy);
  world.AddMembers(1, 3);
  world.Pass(seconds(61));
  EXPECT_EQ(world.ladder().msk->id, MskNo(3)) << "two changes, and a third a moment away at most";
  for (uint16_t number = 2; number <= 3; ++number) {
    const std::vector<Sent> first = world.MtksOf(MskNo(number), MtkId(1));
    ASSERT_FALSE(first.empty());
    for (int member = 1; member <= 3; ++member) {
      EXPECT_TRUE(world.members.at(member).HasMsk(MskNo(number)));
      EXPECT_TRUE(world.members.at(member).HasMtk(MskNo(number), MtkId(1)));
      for (const Sent& push : world.MsksTo(member)) {
        EXPECT_TRUE(push.msk != MskNo(number) || push.at < first.front().at);
      }
    }
  }
}

}  // namespace
}  // namespace keymast::controller
