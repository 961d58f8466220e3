// SPDX-License-Identifier: Apache-2.0
// Shutting members out: what the leaver can open, and that those who stay lose nothing.
#include "tests/unit/controller/world.h"

namespace keymast::controller {
namespace {

groups::KeyPolicy QuickPolicy() {
  groups::KeyPolicy policy;
  policy.mtk_period = seconds(2);
  policy.mtk_lead = seconds(1);
  policy.mtk_repetition = milliseconds(250);
  policy.msk_period = seconds(20);
  policy.msk_lead = seconds(8);
  policy.msk_give_up = seconds(4);
  return policy;
}

// A world of three members, some way into the schedule.
World Running(Duration age, const groups::KeyPolicy& policy = QuickPolicy()) {
  World world;
  world.MakeChannel(policy);
  world.AddMembers(1, 3);
  world.Pass(age);
  return world;
}

// ExpectShutOut feeds everything that was ever sent to the leaver and looks for newer keys.
void ExpectShutOut(World& world, int leaver, Instant dark) {
  FakeMember& member = world.members.at(leaver);
  for (const Sent& sent : world.sent) {
    if (sent.kind == mikey::MessageKind::kMtk) member.Take(sent.octets);
  }
  for (const rekey::Slot& used : world.used) {
    EXPECT_FALSE(used.switch_at >= dark && member.HasMtk(used.msk, used.mtk));
  }
}

void ExpectServed(World& world, int member) {
  const rekey::Slot active = *world.ladder().active;
  EXPECT_TRUE(world.members.at(member).HasMtk(active.msk, active.mtk));
}

TEST(Expel, ShutsOutWithinTheLeadAtEveryMomentOfTheSchedule) {
  // Over a whole MSK period: with and without a prepared MTK, and during an MSK's lead.
  for (Duration age = seconds(1); age < seconds(25); age += milliseconds(310)) {
    World world = Running(age);
    const MskId before = world.ladder().msk->id;
    const Instant expelled = world.now;
    const size_t sent_before = world.sent.size();
    const Reply reply = world.Do(Expel{kNews, {IdOf(1)}});
    ASSERT_TRUE(reply.rekey.has_value());
    EXPECT_EQ(reply.remaining, 2U);
    EXPECT_LE(reply.rekey->switch_at - expelled, milliseconds(201));
    EXPECT_GT(reply.rekey->msk, before);
    world.Pass(seconds(6));
    for (size_t i = sent_before; i < world.sent.size(); ++i) {
      EXPECT_GE(world.sent[i].msk, reply.rekey->msk) << "nothing under an older MSK";
      EXPECT_NE(world.sent[i].to, EndpointOf(1));
    }
    ExpectShutOut(world, 1, reply.rekey->switch_at);
    ExpectServed(world, 2);
    ExpectServed(world, 3);
  }
}

TEST(Expel, SendsThreeCopiesFiftyMillisecondsApart) {
  World world = Running(milliseconds(3100));
  const Instant expelled = world.now;
  const Reply reply = world.Do(Expel{kNews, {IdOf(1)}});
  world.Pass(milliseconds(149));
  std::set<Instant> at;
  for (const Sent& sent : world.MtksOf(reply.rekey->msk, reply.rekey->mtk)) at.insert(sent.at);
  for (const int ms : {0, 50, 100}) EXPECT_TRUE(at.contains(expelled + milliseconds(ms))) << ms;
  EXPECT_LE(at.size(), 4U) << "and the regular repetition";
}

TEST(Expel, IsOneDecision) {
  World world = Running(seconds(3));
  const size_t before = world.changes.size();
  world.Do(Expel{kNews, {IdOf(1), IdOf(2)}});
  size_t ladders = 0;
  for (size_t i = before; i < world.changes.size(); ++i) {
    if (std::holds_alternative<rekey::LadderPut>(world.changes[i])) ++ladders;
  }
  EXPECT_EQ(ladders, 1U);
  EXPECT_EQ(world.CountOf(Event::Kind::kExpelled), 2U);
  EXPECT_FALSE(world.durable.channels.at(kNews).members.contains(IdOf(1)));
}

TEST(Expel, WaitsForNobody) {
  World world = Running(seconds(3));
  world.members.at(2).reachable = false;
  const Reply reply = world.Do(Expel{kNews, {IdOf(1)}});
  world.PassUntil(reply.rekey->switch_at);
  EXPECT_EQ(world.ladder().active->msk, reply.rekey->msk);
  world.Pass(seconds(10));
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(2)), Reachability::kUnreachable);
  ExpectServed(world, 3);
}

TEST(Expel, DuringAnExclusionFollowsRightBehindIt) {
  for (int gap = 0; gap < 200; gap += 40) {
    World world = Running(seconds(3));
    const Reply first = world.Do(Expel{kNews, {IdOf(1)}});
    world.Pass(milliseconds(gap));
    const Instant second_expelled = world.now;
    const Reply second = world.Do(Expel{kNews, {IdOf(2)}});
    world.Pass(seconds(5));
    EXPECT_EQ(second.rekey->switch_at, first.rekey->switch_at + milliseconds(200));
    EXPECT_LE(second.rekey->switch_at - second_expelled, milliseconds(400));
    // The answer foretold what then happened.
    const auto& history = world.channel().history;
    const auto told = std::find_if(history.begin(), history.end(), [&](const auto& rekey) {
      return rekey.sequence == second.rekey->sequence;
    });
    ASSERT_NE(told, history.end());
    EXPECT_EQ(told->msk, second.rekey->msk);
    EXPECT_EQ(told->switch_at, second.rekey->switch_at);
    ExpectShutOut(world, 1, first.rekey->switch_at);
    ExpectShutOut(world, 2, second.rekey->switch_at);
    ExpectServed(world, 3);
  }
}

TEST(Expel, ManyInARowAreAllDarkInTime) {
  World world;
  world.MakeChannel(QuickPolicy());
  world.AddMembers(1, 20);
  world.Pass(seconds(3));
  std::map<int, Instant> dark;
  for (int member = 1; member <= 19; ++member) {
    const Instant at = world.now;
    dark[member] = world.Do(Expel{kNews, {IdOf(member)}}).rekey->switch_at;
    EXPECT_LE(dark[member] - at, milliseconds(401));
    world.Pass(milliseconds(70));
  }
  world.Pass(seconds(5));
  for (const auto& [member, at] : dark) ExpectShutOut(world, member, at);
  ExpectServed(world, 20);
}

TEST(Expel, SurvivesACrashAtEveryMillisecondOfIt) {
  for (int gap = 0; gap <= 420; gap += 35) {
    World world = Running(seconds(3));
    const Reply first = world.Do(Expel{kNews, {IdOf(1)}});
    world.Pass(milliseconds(20));
    const Reply second = world.Do(Expel{kNews, {IdOf(2)}});
    world.Pass(milliseconds(gap));
    world.Restart(milliseconds(30));
    world.Pass(seconds(4));
    EXPECT_GE(world.ladder().msk->id, second.rekey->msk);
    ExpectShutOut(world, 1, first.rekey->switch_at);
    FakeMember& member = world.members.at(2);
    EXPECT_FALSE(member.HasMsk(world.ladder().msk->id));
    ExpectServed(world, 3);
  }
}

TEST(Leave, ImmediateIsAnExclusion) {
  World world = Running(seconds(3));
  const Instant left = world.now;
  world.Do(Leave{kNews, IdOf(1)});
  world.Pass(seconds(3));
  EXPECT_EQ(world.core->counters().rekeys.at({rekey::KeyLevel::kMsk, rekey::RekeyReason::kLeave}),
            1U);
  ExpectShutOut(world, 1, left + milliseconds(201));
  ExpectServed(world, 2);
  // Still entitled, it may come back.
  world.Do(Join{kNews, IdOf(1)});
  ExpectServed(world, 1);
}

TEST(Leave, BatchedChangesTheKeysOnceForTheWindow) {
  groups::KeyPolicy policy = QuickPolicy();
  policy.leave = groups::LeavePolicy::kBatched;
  policy.batch_window = seconds(3);
  for (Duration age = seconds(1); age < seconds(25); age += milliseconds(730)) {
    World world = Running(age, policy);
    const Instant left = world.now;
    const Instant due = std::min(world.ladder().next_msk_change, left + policy.batch_window);
    world.Do(Leave{kNews, IdOf(1)});
    world.Pass(seconds(1));
    const bool one_batch = world.now < due;
    world.Do(Leave{kNews, IdOf(2)});
    world.Pass(seconds(6));
    EXPECT_EQ(world.core->counters().rekeys.at({rekey::KeyLevel::kMsk, rekey::RekeyReason::kLeave}),
              one_batch ? 1U : 2U);
    ExpectShutOut(world, 1, due + milliseconds(202));
    const Instant second = one_batch ? due : left + seconds(1) + policy.batch_window;
    ExpectShutOut(world, 2, second + milliseconds(202));
    ExpectServed(world, 3);
  }
}

TEST(Leave, BatchedIsNoLaterThanTheChangeThatIsDueAnyway) {
  groups::KeyPolicy policy = QuickPolicy();
  policy.leave = groups::LeavePolicy::kBatched;
  policy.batch_window = hours(2);
  for (const Duration age : {seconds(3), seconds(14)}) {  // before and after the next MSK is out
    World world = Running(age, policy);
    const Instant due = world.ladder().next_msk_change;
    world.Do(Leave{kNews, IdOf(1)});
    world.PassUntil(due + seconds(5));
    ExpectShutOut(world, 1, due + milliseconds(202));
    ExpectServed(world, 2);
  }
}

TEST(Leave, DuringAnExclusionIsAnotherOneWhateverThePolicy) {
  groups::KeyPolicy policy = QuickPolicy();
  policy.leave = groups::LeavePolicy::kNextMsk;
  World world = Running(seconds(3), policy);
  world.Do(Expel{kNews, {IdOf(3)}});
  world.Pass(milliseconds(100));
  const Instant left = world.now;
  world.Do(Leave{kNews, IdOf(1)});  // it was given the exclusion's MSK
  world.Pass(seconds(3));
  ExpectShutOut(world, 1, left + milliseconds(402));
  ExpectServed(world, 2);
}

TEST(Expel, StaysSoOverANewIncarnation) {
  World world = Running(seconds(3));
  world.Do(Expel{kNews, {IdOf(1)}});
  world.Restart(milliseconds(20), true);
  const Instant back = world.now;
  const size_t sent_before = world.sent.size();
  world.Pass(seconds(6));
  ExpectShutOut(world, 1, back + milliseconds(202));
  for (size_t i = sent_before; i < world.sent.size(); ++i) EXPECT_GT(world.sent[i].msk, MskNo(1));
  ExpectServed(world, 2);
}

TEST(RekeyNow, AnswersWithTheMtkThatIsPrepared) {
  World world = Running(seconds(3));
  while (!world.ladder().prepared) world.Pass(milliseconds(10));
  const rekey::Slot prepared = *world.ladder().prepared;
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  const Reply reply = world.Do(RekeyNow{kNews, rekey::KeyLevel::kMtk});
  ASSERT_TRUE(reply.rekey.has_value());
  EXPECT_EQ(reply.rekey->level, rekey::KeyLevel::kMtk);
  EXPECT_EQ(reply.rekey->mtk, prepared.mtk);
  EXPECT_EQ(reply.rekey->switch_at, prepared.switch_at);
}

TEST(Exhausted, AllNumbersCostNoCommitEachMillisecond) {
  groups::KeyPolicy policy = QuickPolicy();
  policy.leave = groups::LeavePolicy::kBatched;
  policy.batch_window = seconds(1);
  rekey::State state = Running(seconds(3), policy).durable;
  rekey::Ladder& ladder = state.channels.at(kNews).ladder;
  ladder.last_key_number = KeyNumber(65535);
  ladder.msk->high = ladder.msk->last_mtk;
  ladder.next_msk_change = kNever;
  ladder.next_msk_reason = rekey::RekeyReason::kLeave;
  World world(3, state);
  world.now += seconds(10);
  world.Pass(seconds(5));
  const size_t changes = world.changes.size();
  world.Pass(seconds(1));
  EXPECT_LE(world.changes.size() - changes, 5U);
}

TEST(Leave, NextMskWaitsForTheSchedule) {
  groups::KeyPolicy policy = QuickPolicy();
  policy.leave = groups::LeavePolicy::kNextMsk;
  World world = Running(seconds(3), policy);
  world.Do(Leave{kNews, IdOf(1)});
  world.Pass(seconds(1));
  EXPECT_EQ(world.ladder().msk->id, MskNo(1));
  EXPECT_FALSE(world.ladder().next_msk.has_value());
  world.Pass(seconds(25));
  EXPECT_FALSE(world.members.at(1).HasMsk(MskNo(2)));
  EXPECT_TRUE(world.members.at(2).HasMsk(MskNo(2)));
}

TEST(Leave, NextMskThatTheLeaverHoldsAlreadyIsNotUsed) {
  groups::KeyPolicy policy = QuickPolicy();
  policy.leave = groups::LeavePolicy::kNextMsk;
  World world = Running(seconds(14), policy);
  ASSERT_TRUE(world.ladder().next_msk.has_value());
  const Instant left = world.now;
  world.Do(Leave{kNews, IdOf(1)});
  world.Pass(seconds(9));
  ExpectShutOut(world, 1, left + milliseconds(201));
  ExpectServed(world, 2);
}

TEST(Window, ItsEndIsALeaveAtTheInstant) {
  World world = Running(seconds(1));
  groups::Member member = world.channel().members.at(IdOf(1));
  member.entitled_until = world.now + seconds(5);
  world.Do(UpdateMember{kNews, member, {}});
  world.Pass(milliseconds(4999));
  EXPECT_TRUE(world.channel().members.at(IdOf(1)).joined);
  world.Pass(milliseconds(1));
  EXPECT_FALSE(world.channel().members.at(IdOf(1)).joined);
  EXPECT_EQ(world.ladder().next_msk->id.number, KeyNumber(2));
  ExpectShutOut(world, 1, world.now + milliseconds(201));
  EXPECT_EQ(world.Refused(Join{kNews, IdOf(1)}).error, Error::kNotEntitled);
}

TEST(Window, ThatEndedWhileTheServerWasDownShutsOutAtTheStart) {
  World world = Running(seconds(1));
  groups::Member member = world.channel().members.at(IdOf(1));
  member.entitled_until = world.now + seconds(5);
  world.Do(UpdateMember{kNews, member, {}});
  world.Restart(seconds(6));
  EXPECT_FALSE(world.channel().members.at(IdOf(1)).joined);
  world.Pass(seconds(1));
  EXPECT_EQ(world.ladder().msk->id, MskNo(2));
  EXPECT_FALSE(world.members.at(1).HasMsk(MskNo(2)));
}

TEST(Window, ThatIsMovedAheadEndsTheJoin) {
  World world = Running(seconds(1));
  groups::Member member = world.channel().members.at(IdOf(1));
  member.entitled_from = world.now + seconds(5);
  world.Do(UpdateMember{kNews, member, {}});
  EXPECT_FALSE(world.channel().members.at(IdOf(1)).HoldsKeys());
  EXPECT_EQ(world.CountOf(Event::Kind::kLeft), 1U);
  world.Pass(seconds(1));
  EXPECT_EQ(world.ladder().msk->id, MskNo(2));
  EXPECT_FALSE(world.members.at(1).HasMsk(MskNo(2)));
  world.Pass(seconds(4));
  world.Do(Join{kNews, IdOf(1)});
  ExpectServed(world, 1);
}

TEST(Window, ItsBeginGatesJoining) {
  World world = Running(seconds(1));
  world.Do(Leave{kNews, IdOf(1)});
  groups::Member member = world.channel().members.at(IdOf(1));
  member.entitled_from = world.now + seconds(5);
  world.Do(UpdateMember{kNews, member, {}});
  EXPECT_EQ(world.Refused(Join{kNews, IdOf(1)}).error, Error::kNotEntitled);
  world.Pass(seconds(5));
  world.Do(Join{kNews, IdOf(1)});
  ExpectServed(world, 1);
}

}  // namespace
}  // namespace keymast::controller
