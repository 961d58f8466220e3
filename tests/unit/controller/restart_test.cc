// SPDX-License-Identifier: Apache-2.0
// Crashes and failed commits: each due change happens once, and what was promised is kept.
#include "rekey/grid.h"
#include "tests/unit/controller/world.h"

namespace keymast::controller {
namespace {

groups::KeyPolicy Policy() {
  groups::KeyPolicy policy;
  policy.mtk_period = seconds(2);
  policy.mtk_lead = seconds(1);
  policy.mtk_repetition = milliseconds(250);
  policy.msk_period = seconds(20);
  policy.msk_lead = seconds(8);
  policy.msk_give_up = seconds(4);
  return policy;
}

World Running(Duration age) {
  World world;
  world.MakeChannel(Policy());
  world.AddMembers(1, 3);
  world.Pass(age);
  return world;
}

TEST(Restart, WithAnotherCsbIdKeepsThatOfTheMsksThatMembersHold) {
  World world = Running(seconds(1));
  world.profile.csb_id = CsbId(9);
  world.Restart(milliseconds(1));
  const size_t before = world.sent.size();
  const auto csb_of = [](const Sent& sent) { return mikey::Inspect(sent.octets)->csb_id; };
  world.Pass(seconds(5));
  EXPECT_GT(world.sent.size(), before);
  for (const Sent& sent : world.sent) EXPECT_EQ(csb_of(sent), CsbId(0));
  world.members.at(1).answers = true;
  world.Pass(seconds(30));
  EXPECT_EQ(csb_of(world.sent.back()), CsbId(9)) << "under an MSK made since";
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 3U);
}

TEST(Restart, SendsTheMskInUseToWhoConfirmedTheNextOneAlone) {
  World world = Running(seconds(13));  // the next MSK is out
  ASSERT_TRUE(world.ladder().next_msk);
  const MskId current = world.ladder().msk->id;
  const MskId next = world.ladder().next_msk->id;
  world.AddMembers(4, 4, false);
  world.members.at(4).refuses = current;
  world.Do(Join{kNews, IdOf(4)});
  EXPECT_TRUE(world.members.at(4).HasMsk(next));
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(4)), Reachability::kPending);
  world.members.at(4).refuses = {};
  world.Restart(milliseconds(10));
  EXPECT_TRUE(world.members.at(4).HasMsk(current));
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(4)), Reachability::kConfirmed);
  world.Pass(seconds(10));
  EXPECT_EQ(world.ladder().msk->id, next);
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 4U);
}

TEST(Restart, CountsWhoConfirmedAnMskAheadOnceItIsInUse) {
  World world = Running(seconds(13));
  const MskId current = world.ladder().msk->id;
  world.AddMembers(4, 4, false);
  world.members.at(4).refuses = current;
  world.Do(Join{kNews, IdOf(4)});
  world.Pass(seconds(9));
  ASSERT_NE(world.ladder().msk->id, current);
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(4)), Reachability::kConfirmed);
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 4U);
  world.Restart(milliseconds(10));
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 4U);
}

TEST(Restart, ServesAMemberWhoseWindowBeginsLaterByTheClock) {
  World world = Running(seconds(3));
  groups::Member member = world.channel().members.at(IdOf(1));
  member.entitled_from = world.now + hours(1);
  rekey::Apply(world.durable, rekey::MemberPut{kNews, member});
  world.Restart(milliseconds(10));
  world.members.at(1).reachable = false;
  world.Pass(seconds(12));  // the next MSK is out
  world.members.at(1).reachable = true;
  world.Restart(seconds(1));
  EXPECT_TRUE(world.members.at(1).HasMsk(world.ladder().next_msk->id));
}

TEST(Restart, InEveryPhaseServesOnAndSwitchesOncePerGridInstant) {
  for (Duration age = seconds(1); age < seconds(23); age += milliseconds(430)) {
    for (const Duration down : {milliseconds(1), milliseconds(700), milliseconds(5300)}) {
      World world = Running(age);
      const Instant killed = world.now;
      world.Restart(down);
      const Instant back = world.now;
      world.Pass(seconds(10));
      const rekey::Grid grid(kNews, Policy().mtk_period);
      std::set<Instant> instants;
      for (const rekey::Slot& used : world.used) {
        EXPECT_TRUE(instants.insert(used.switch_at).second) << "two switches at one instant";
        if (used.switch_at <= back + seconds(1)) continue;
        EXPECT_EQ(grid.AtOrAfter(used.switch_at), used.switch_at);
      }
      // At most one switch is made up for, however many were due meanwhile.
      const auto missed = std::count_if(instants.begin(), instants.end(), [&](Instant instant) {
        return instant > killed && instant <= back;
      });
      EXPECT_LE(missed, 1);
      const rekey::Slot active = *world.ladder().active;
      for (const int member : {1, 2, 3}) {
        EXPECT_TRUE(world.members.at(member).HasMtk(active.msk, active.mtk));
      }
    }
  }
}

TEST(Restart, CatchesUpOnceWithMsksThatWereMissed) {
  World world = Running(seconds(1));
  const MskId before = world.ladder().msk->id;
  world.Restart(hours(1));
  ASSERT_TRUE(world.ladder().next_msk);
  EXPECT_EQ(world.ladder().next_msk->id.number.value, before.number.value + 1);
  const Instant change = world.ladder().next_msk_change;
  EXPECT_GE(change, world.now + Policy().msk_lead - seconds(1)) << "members get it a lead ahead";
  world.Pass(seconds(15));
  EXPECT_EQ(world.ladder().msk->id.number.value, before.number.value + 1);
  EXPECT_FALSE(world.ladder().next_msk) << "180 periods have passed, and are not made up for";
  EXPECT_EQ(world.ladder().next_msk_change, change + Policy().msk_period);
}

TEST(Jump, WhatBecameDueOnTheWayIsNotLate) {
  World world = Running(seconds(1));
  const Instant now = world.now + hours(1);
  world.core->Jumped(now);
  EXPECT_EQ(world.core->NextDeadline(), now);
  const Step step = world.core->Tick(now);
  ASSERT_FALSE(step.datagrams.empty());
  for (const Datagram& datagram : step.datagrams) EXPECT_EQ(datagram.due, now);
}

TEST(Restart, GoesOnBehindEveryReservedCounter) {
  World world = Running(seconds(5));
  const uint64_t user = world.durable.muk_counter.end;
  const uint64_t mtk = world.durable.channels.at(kNews).ladder.msk->counter.end;
  world.Restart(seconds(1));
  const size_t before = world.sent.size();
  world.AddMembers(4, 4);
  world.Pass(seconds(1));
  for (size_t i = before; i < world.sent.size(); ++i) {
    const Sent& sent = world.sent[i];
    EXPECT_GE(sent.counter, sent.kind == mikey::MessageKind::kMsk ? user : mtk);
  }
}

TEST(Restart, AKeyGroupOfADeletedChannelGoesOnWithItsNumbers) {
  World world = Running(seconds(5));
  world.Do(DeleteChannel{kNews, {}, true});
  world.Restart(seconds(1));
  world.Do(CreateChannel{NewsChannel()});
  EXPECT_EQ(world.ladder().msk->id, MskNo(2));
}

TEST(Restart, PushesAgainToWhomConfirmationIsMissing) {
  World world = Running(seconds(5));
  world.members.at(2).answers = false;
  world.AddMembers(4, 4);
  world.Do(Join{kNews, IdOf(2)});
  world.members.at(4).answers = false;
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.Pass(seconds(1));
  const size_t before = world.sent.size();
  world.Restart(milliseconds(10));
  std::set<Endpoint> pushed;
  for (size_t i = before; i < world.sent.size(); ++i) {
    if (world.sent[i].kind == mikey::MessageKind::kMsk) pushed.insert(world.sent[i].to);
  }
  EXPECT_EQ(pushed, (std::set<Endpoint>{EndpointOf(2), EndpointOf(4)}));
}

TEST(Restart, NewIncarnationGivesEveryChannelANewMsk) {
  World world = Running(seconds(5));
  world.Restart(seconds(1), true);
  ASSERT_TRUE(world.ladder().next_msk.has_value());
  EXPECT_EQ(world.channel().history.back().reason, rekey::RekeyReason::kIncarnation);
  const MskId msk = world.ladder().next_msk->id;
  EXPECT_EQ(world.ladder().prepared->switch_at, world.now + Policy().mtk_lead);
  world.Pass(seconds(3));
  EXPECT_EQ(world.ladder().msk->id, msk);
  for (const int member : {1, 2, 3}) EXPECT_TRUE(world.members.at(member).HasMsk(msk));
}

TEST(Restart, WithoutANewIncarnationChangesNoMsk) {
  World world = Running(seconds(5));
  world.Restart(seconds(1));
  EXPECT_EQ(world.ladder().msk->id, MskNo(1));
  EXPECT_FALSE(world.ladder().next_msk.has_value());
}

TEST(Repetition, NeedsNoCommit) {
  groups::KeyPolicy policy;
  policy.mtk_period = hours(1);
  policy.msk_period = hours(24);
  World world;
  world.MakeChannel(policy);
  world.Pass(seconds(1));
  const size_t changes = world.changes.size();
  const size_t sent = world.sent.size();
  world.Pass(seconds(300));
  EXPECT_EQ(world.changes.size(), changes);
  EXPECT_GE(world.sent.size(), sent + 600);
}

TEST(Repetition, ReservesAheadOfTheLastCounter) {
  groups::KeyPolicy policy;
  policy.mtk_period = hours(10);
  policy.msk_period = hours(24);
  policy.mtk_lead = seconds(60);
  policy.msk_lead = seconds(60);
  World world;
  world.MakeChannel(policy);
  for (int i = 0; i < 80; ++i) {
    world.Pass(seconds(100));
    const rekey::Reserved& live = world.ladder().msk->counter;
    EXPECT_LE(live.next, world.durable.channels.at(kNews).ladder.msk->counter.end);
  }
  EXPECT_GT(world.durable.channels.at(kNews).ladder.msk->counter.end, 8193U);
}

TEST(Reload, ForgetsWhatWasNotCommitted) {
  World world = Running(seconds(5));
  Step lost;
  ASSERT_TRUE(world.core->Do(Expel{kNews, {IdOf(1)}}, world.now, false, lost).has_value());
  world.core->Reload(world.durable, world.now);
  EXPECT_TRUE(world.channel().members.contains(IdOf(1)));
  EXPECT_EQ(world.ladder().last_key_number, KeyNumber(1));
  EXPECT_EQ(world.core->NextDeadline(), world.now);
  world.Pass(seconds(5));
  const rekey::Slot active = *world.ladder().active;
  for (const int member : {1, 2, 3}) {
    EXPECT_TRUE(world.members.at(member).HasMtk(active.msk, active.mtk));
  }
}

TEST(Reload, CountersGoOnWhereTheyWere) {
  World world = Running(seconds(5));
  const uint64_t user = world.core->state().muk_counter.next;
  const uint64_t mtk = world.ladder().msk->counter.next;
  world.core->Reload(world.durable, world.now);
  EXPECT_EQ(world.core->state().muk_counter.next, user);
  EXPECT_EQ(world.ladder().msk->counter.next, mtk);
}

TEST(Reload, LiveAndReplayedStateAreTheSame) {
  World world = Running(seconds(30));
  world.Do(Expel{kNews, {IdOf(1)}});
  const rekey::Ladder& live = world.ladder();
  const rekey::Ladder& replayed = world.durable.channels.at(kNews).ladder;
  EXPECT_EQ(live.active, replayed.active);
  EXPECT_EQ(live.prepared, replayed.prepared);
  EXPECT_EQ(live.epoch, replayed.epoch);
  EXPECT_EQ(live.last_key_number, replayed.last_key_number);
  EXPECT_EQ(live.next_msk_change, replayed.next_msk_change);
  EXPECT_TRUE(live.next_msk->key == replayed.next_msk->key);
}

}  // namespace
}  // namespace keymast::controller
