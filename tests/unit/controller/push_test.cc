// SPDX-License-Identifier: Apache-2.0
// MSK pushes to members that do not answer, and to many.
#include "tests/unit/controller/world.h"

namespace keymast::controller {
namespace {

std::vector<int64_t> MillisecondsAfter(Instant start, const std::vector<Sent>& sent) {
  std::vector<int64_t> at;
  for (const Sent& one : sent) at.push_back((one.at - start) / milliseconds(1));
  return at;
}

struct Silent : testing::Test {
  Silent() {
    world.MakeChannel();
    world.AddMembers(1, 1, false);
    world.members.at(1).answers = false;
    world.Pass(milliseconds(777));
    start = world.now;
    world.Do(Join{kNews, IdOf(1)});
  }
  World world;
  Instant start;
};

TEST_F(Silent, IsSentToExactlyOnSchedule) {
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kPending);
  world.Pass(seconds(29));
  const std::vector<int64_t> expected = {0, 500, 1500, 3500, 7500, 18000, 28000};
  EXPECT_EQ(MillisecondsAfter(start, world.MsksTo(1)), expected);
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kUnreachable);
  EXPECT_EQ(world.CountOf(Event::Kind::kUnreachable), 1U);
  EXPECT_EQ(world.core->counters().msk_give_ups, 1U);
  EXPECT_EQ(world.core->counters().msk_messages, 1U);
  EXPECT_EQ(world.core->counters().msk_retransmissions, 6U);
}

TEST(Unasked, IsSentTheRepetitionsAndThenLeftAlone) {
  mikey::Profile3gpp profile;
  profile.want_verification = false;
  World world(1, {}, profile);
  world.MakeChannel();
  world.AddMembers(1, 1, false);
  world.members.at(1).answers = false;
  const Instant start = world.now;
  world.Do(Join{kNews, IdOf(1)});
  world.Pass(minutes(30));
  const std::vector<int64_t> expected = {0, 500, 1500, 3500, 7500};
  EXPECT_EQ(MillisecondsAfter(start, world.MsksTo(1)), expected);
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kIdle);
  EXPECT_EQ(world.core->counters().msk_give_ups, 0U);
  EXPECT_EQ(world.CountOf(Event::Kind::kUnreachable), 0U);
}

TEST_F(Silent, SeesEachCounterOnce) {
  world.Pass(seconds(60));
  std::set<uint32_t> counters;
  for (const Sent& sent : world.MsksTo(1)) EXPECT_TRUE(counters.insert(sent.counter).second);
}

TEST_F(Silent, MayAnswerAnyMessageOfTheRound) {
  const Bytes first = world.members.at(1).last_answer();
  world.Pass(seconds(2));
  world.Deliver(world.core->OnDatagram(EndpointOf(1), first, world.now));
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kConfirmed);
  const size_t sent = world.MsksTo(1).size();
  world.Pass(seconds(30));
  EXPECT_EQ(world.MsksTo(1).size(), sent);
}

TEST_F(Silent, ThatAnswersAfterBeingGivenUpIsConfirmed) {
  world.Pass(seconds(9));
  world.members.at(1).answers = true;
  world.Pass(seconds(10));
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kConfirmed);
}

TEST_F(Silent, IsLeftAloneAfterItLeft) {
  world.Do(Leave{kNews, IdOf(1)});
  const size_t sent = world.MsksTo(1).size();
  world.Pass(seconds(30));
  EXPECT_EQ(world.MsksTo(1).size(), sent);
  EXPECT_EQ(world.core->ReachabilityOf(kNews, IdOf(1)), Reachability::kIdle);
}

TEST_F(Silent, CarriesTheRocOfNowInEachMessage) {
  groups::Headend headend;
  headend.id = HeadendId("h");
  headend.public_key = crypto::MakeKeyPair(*world.rng).public_key;
  headend.channels = {kNews};
  world.Do(CreateHeadend{headend});
  world.Connect(headend.id);
  HeadendReport report{headend.id, {}, {}, {}};
  report.positions.push_back(
      {kNews, Ssrc(0x22222222), {PacketIndex(uint64_t{5} << 16 | 9), MskNo(1), MtkId(1)}});
  world.Report(report);
  world.Pass(milliseconds(600));
  const mikey::OpenedMsk& msk = world.members.at(1).Msk(MskNo(1));
  ASSERT_EQ(msk.stream_count, 2U);
  EXPECT_EQ(msk.streams[0].roc, Roc(0));
  EXPECT_EQ(msk.streams[1].ssrc, Ssrc(0x22222222));
  EXPECT_EQ(msk.streams[1].roc, Roc(5));
}

TEST_F(Silent, IsGivenTheMtkIdsFromTheActiveOneOn) {
  world.Pass(seconds(45));
  world.Do(Join{kNews, IdOf(1)});
  EXPECT_GT(world.ladder().active->mtk, MtkId(1));
  EXPECT_EQ(world.members.at(1).Msk(MskNo(1)).low, world.ladder().active->mtk);
  EXPECT_EQ(world.members.at(1).Msk(MskNo(1)).high, MtkId(65535));
}

TEST(Pacing, HandsOutAtMostTheRate) {
  groups::KeyPolicy policy;
  policy.msk_pacing_rate = 100;
  World world;
  world.MakeChannel(policy);
  world.AddMembers(1, 250);
  world.Pass(seconds(60));
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  const Instant start = world.now;
  const size_t before = world.sent.size();
  world.Pass(seconds(4));
  std::map<int64_t, int> per_second;
  int total = 0;
  for (size_t i = before; i < world.sent.size(); ++i) {
    if (world.sent[i].kind != mikey::MessageKind::kMsk) continue;
    ++per_second[(world.sent[i].at - start) / seconds(1)];
    ++total;
  }
  EXPECT_GE(total, 249);
  EXPECT_LE(total, 250);
  for (const auto& [second, count] : per_second) EXPECT_LE(count, 100) << second;
}

TEST(Pacing, ExclusionsGoFirst) {
  groups::KeyPolicy policy;
  policy.msk_pacing_rate = 100;
  World world;
  world.MakeChannel(policy);
  world.AddMembers(1, 100);
  world.Pass(seconds(30));
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  const size_t before = world.sent.size();
  const Reply reply = world.Do(Expel{kNews, {IdOf(1)}});
  world.Pass(milliseconds(1100));
  for (size_t i = before; i < world.sent.size(); ++i) {
    EXPECT_EQ(world.sent[i].msk, reply.rekey->msk);
  }
}

TEST(UserCounter, MovesOnOnlyWhenSomeoneWouldSeeItTwice) {
  World world;
  world.MakeChannel();
  world.AddMembers(1, 50);
  std::set<uint32_t> first;
  for (int i = 1; i <= 50; ++i) first.insert(world.MsksTo(i).front().counter);
  EXPECT_EQ(first.size(), 1U);
  world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.Pass(seconds(1));
  std::set<uint32_t> second;
  for (int i = 1; i <= 50; ++i) second.insert(world.MsksTo(i).back().counter);
  EXPECT_EQ(second.size(), 1U);
  EXPECT_GT(*second.begin(), *first.begin());
}

TEST(UserCounter, ADeletedSubscribersKeyThatComesBackGoesOn) {
  World world;
  world.MakeChannel();
  world.AddMembers(1, 2);
  world.Do(DeleteSubscribers{{IdOf(1)}, true});
  world.Do(CreateSubscribers{{{IdOf(1), IdentityOf(1), UserKeyOf(1)}}});
  groups::Member member;
  member.subscriber = IdOf(1);
  member.msk_endpoint = EndpointOf(1);
  world.Do(CreateMembers{kNews, {{member, true}}});
  std::set<uint32_t> counters;
  for (const Sent& sent : world.MsksTo(1)) EXPECT_TRUE(counters.insert(sent.counter).second);
  EXPECT_GE(counters.size(), 2U);
}

}  // namespace
}  // namespace keymast::controller
