// SPDX-License-Identifier: Apache-2.0
// Schedules at work, plans before they are carried out, and rekeys of many channels.
#include "rekey/calendar.h"
#include "tests/unit/controller/world.h"

namespace keymast::controller {
namespace {

struct Calendars : testing::Test {
  Calendars() {
    world.MakeChannel();
    world.AddMembers(1, 3);
    world.Pass(seconds(10));
  }
  static groups::Schedule Once(const std::string& id, Instant at) {
    groups::Schedule schedule;
    schedule.id = ScheduleId(id);
    schedule.timing = groups::Timing::kOnce;
    schedule.once = at;
    return schedule;
  }
  groups::Schedule Window(const std::string& id, Instant at, Duration length) {
    groups::Schedule schedule = Once(id, at);
    schedule.blackout = length;
    return schedule;
  }
  // All that were made, also those that the history has forgotten.
  std::vector<rekey::Rekey> Msks() const {
    std::vector<rekey::Rekey> msks;
    for (const Event& event : world.events) {
      if (event.rekey && event.rekey->level == rekey::KeyLevel::kMsk) msks.push_back(*event.rekey);
    }
    return msks;
  }
  World world;
};

TEST_F(Calendars, AnInstantOfTheCalendarChangesTheMsk) {
  const Instant at = world.now + minutes(10);
  world.Do(PutSchedule{kNews, Once("cut", at)});
  EXPECT_EQ(world.ladder().next_msk_change, at);
  world.PassUntil(at + seconds(11));
  ASSERT_EQ(Msks().size(), 2U);
  EXPECT_EQ(Msks()[1].reason, rekey::RekeyReason::kCalendar);
  EXPECT_EQ(Msks()[1].switch_at, at);
  EXPECT_EQ(world.ladder().msk->id, MskNo(2));
  for (const auto& [number, member] : world.members) EXPECT_TRUE(member.HasMsk(MskNo(2)));
}

TEST_F(Calendars, OneInstantFiresOnceAlsoAcrossARestart) {
  groups::Schedule hourly;
  hourly.id = ScheduleId("often");
  hourly.period = minutes(20);
  hourly.start = kBegin;
  world.Do(PutSchedule{kNews, hourly});
  world.PassUntil(kBegin + minutes(20) - seconds(5));
  world.Restart(seconds(30));
  world.PassUntil(kBegin + minutes(58));
  EXPECT_EQ(Msks().size(), 3U) << "the first, at 20 and at 40 minutes";
}

TEST_F(Calendars, ABlackoutPutsOffWhatIsPlanned) {
  const Instant end = kBegin + hours(1) + minutes(30);
  world.Do(PutSchedule{kNews, Window("final", kBegin + minutes(50), minutes(40))});
  world.PassUntil(end - seconds(61));
  EXPECT_EQ(Msks().size(), 1U) << "the period ended half an hour ago";
  world.PassUntil(end + seconds(11));
  ASSERT_EQ(Msks().size(), 2U);
  EXPECT_EQ(Msks()[1].switch_at, end);
  EXPECT_TRUE(world.core->counters().blackouts_pierced.empty());
}

TEST_F(Calendars, WhatABlackoutPutOffFollowsWhenItIsLifted) {
  const Instant at = world.now + minutes(10);
  world.Do(PutSchedule{kNews, Once("cut", at)});
  world.Do(PutSchedule{kNews, Window("night", at - minutes(5), minutes(30))});
  world.PassUntil(at + minutes(5));
  EXPECT_EQ(Msks().size(), 1U);
  world.Restart(seconds(5));
  world.Do(DeleteSchedule{kNews, ScheduleId("night")});
  world.Pass(world.channel().channel.policy.msk_lead + seconds(11));
  ASSERT_EQ(Msks().size(), 2U);
  EXPECT_EQ(Msks()[1].reason, rekey::RekeyReason::kCalendar);
  EXPECT_EQ(world.ladder().next_msk_origin, rekey::MskOrigin());
  world.Pass(minutes(20));
  EXPECT_EQ(Msks().size(), 2U) << "once";
}

// The ladder of before the switch is what a restart finds, and it switches again.
TEST_F(Calendars, ARestartPlansNothingByWhatWasEditedSince) {
  world.PassUntil(kBegin + hours(1) + seconds(4));
  ASSERT_EQ(world.ladder().msk->id, MskNo(2));
  groups::Schedule soon;
  soon.id = ScheduleId("soon");
  soon.period = hours(2);
  soon.start = world.now + seconds(58);  // less than a lead from now, and more from the switch
  world.Do(PutSchedule{kNews, soon});
  world.Restart(seconds(1));
  world.Pass(minutes(5));
  EXPECT_EQ(Msks().size(), 2U);
}

TEST_F(Calendars, AnExpulsionPiercesABlackoutAndIsCounted) {
  world.Do(PutSchedule{kNews, Window("final", world.now, hours(1))});
  world.Do(Expel{kNews, {IdOf(1)}});
  world.Pass(seconds(2));
  EXPECT_EQ(world.ladder().msk->id, MskNo(2));
  EXPECT_EQ(world.core->counters().blackouts_pierced.at(rekey::RekeyReason::kExclusion), 1U);
}

TEST_F(Calendars, TheEndOfAnEntitlementPiercesItAndIsCounted) {
  world.Do(PutSchedule{kNews, Window("final", world.now, hours(1))});
  groups::Member member = world.channel().members.at(IdOf(1));
  member.entitled_until = world.now + minutes(10);
  world.Do(UpdateMember{kNews, member});
  world.PassUntil(member.entitled_until - seconds(1));
  EXPECT_EQ(world.ladder().msk->id, MskNo(1));
  world.PassUntil(member.entitled_until + seconds(2));
  EXPECT_EQ(world.ladder().msk->id, MskNo(2));
  EXPECT_EQ(world.core->counters().blackouts_pierced.at(rekey::RekeyReason::kLeave), 1U);
}

TEST(Blackout, IsPiercedWhereMtkIdsRunOut) {
  World world;
  world.MakeChannel(FewMtkIds());
  world.AddMembers(1, 2);
  groups::Schedule final;
  final.id = ScheduleId("final");
  final.timing = groups::Timing::kOnce;
  final.once = world.now;
  final.blackout = hours(1);
  world.Do(PutSchedule{kNews, final});
  world.SpendMtkIds();
  world.Pass(seconds(20));
  EXPECT_EQ(world.ladder().active->msk, MskNo(2));
  EXPECT_GE(world.core->counters().blackouts_pierced.at(rekey::RekeyReason::kExhaustion), 1U);
}

TEST_F(Calendars, TheLongestLifePiercesIt) {
  world.Do(PutSchedule{kNews, Window("long", kBegin + minutes(50), hours(9))});
  world.PassUntil(kBegin + hours(2) + seconds(11));
  ASSERT_EQ(Msks().size(), 2U);
  EXPECT_EQ(Msks()[1].reason, rekey::RekeyReason::kLife);
  EXPECT_EQ(world.core->counters().blackouts_pierced.at(rekey::RekeyReason::kLife), 1U);
}

TEST_F(Calendars, SchedulesAreCheckedAndHaveEtags) {
  EXPECT_EQ(world.Refused(PutSchedule{kNews, Once("late", world.now + seconds(5))})
                .violations.at(0)
                .field,
            "rekey_schedule.once");
  EXPECT_EQ(
      world.Refused(PutSchedule{kNews, Once("UPPER", world.now + hours(1))}).violations.at(0).field,
      "rekey_schedule_id");
  const groups::Schedule good = Once("good", world.now + hours(1));
  world.Do(PutSchedule{kNews, good});
  EXPECT_EQ(world.Refused(PutSchedule{kNews, good}).error, Error::kAlreadyExists);
  EXPECT_EQ(world.Refused(PutSchedule{kNews, good, false, groups::Version{9, world.now}}).error,
            Error::kEtagMismatch);
  world.Do(PutSchedule{kNews, good, false, groups::Version{1, world.now}});
  EXPECT_EQ(world.channel().schedules.at(good.id).revision, 2U);
  EXPECT_EQ(world.Refused(DeleteSchedule{kNews, good.id, groups::Version{1, world.now}}).error,
            Error::kEtagMismatch);
  world.Do(DeleteSchedule{kNews, good.id, groups::Version{2, world.now}});
  EXPECT_EQ(world.Refused(DeleteSchedule{kNews, good.id}).error, Error::kNotFound);
  world.Do(DeleteSchedule{kNews, good.id, {}, true});
  EXPECT_EQ(world.ladder().next_msk_change, kBegin + hours(1)) << "the period counts again";
}

TEST_F(Calendars, AChannelHasSixteenAtMost) {
  for (int i = 0; i < 16; ++i) {
    world.Do(PutSchedule{kNews, Once("s" + std::to_string(i), world.now + hours(2))});
  }
  EXPECT_EQ(world.Refused(PutSchedule{kNews, Once("more", world.now + hours(2))}).error,
            Error::kFailedPrecondition);
}

// What a plan says is what happens then.
TEST_F(Calendars, APlanOfAnExpulsionIsWhatIsSent) {
  const auto plan = world.core->Plan(kNews, rekey::KeyLevel::kMsk, {IdOf(1)}, world.now);
  ASSERT_TRUE(plan) << plan.error().message;
  const size_t before = world.sent.size();
  const Reply reply = world.Do(Expel{kNews, {IdOf(1)}});
  uint64_t unicast = 0;
  uint64_t octets = 0;
  for (size_t i = before; i < world.sent.size(); ++i) {
    if (world.sent[i].to.IsMulticast()) continue;
    ++unicast;
    octets += world.sent[i].octets.size();
  }
  EXPECT_EQ(plan->recipients, 2U);
  EXPECT_EQ(unicast, plan->recipients);
  EXPECT_EQ(octets, plan->unicast_octets);
  EXPECT_EQ(reply.rekey->switch_at, plan->switch_at);
  EXPECT_FALSE(plan->joins_another);
}

TEST(Plans, SayHowLongItTakesAndWhatGoesToAll) {
  groups::KeyPolicy policy;
  policy.msk_pacing_rate = 10;
  World world;
  world.MakeChannel(policy);
  world.AddMembers(1, 40);
  world.Pass(seconds(20));
  const auto plan = world.core->Plan(kNews, rekey::KeyLevel::kMsk, {IdOf(1)}, world.now);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->recipients, 39U);
  const Instant begin = world.now;
  world.sent.clear();
  const Reply reply = world.Do(Expel{kNews, {IdOf(1)}});
  world.PassUntil(begin + plan->unicast_time + seconds(1));
  uint64_t announced = 0;
  uint64_t octets = 0;
  Instant last{};
  for (const Sent& one : world.sent) {
    if (!one.to.IsMulticast()) last = one.at;
    if (!one.to.IsMulticast() || one.msk != reply.rekey->msk || one.at >= plan->switch_at) continue;
    ++announced;
    octets += one.octets.size();
  }
  EXPECT_EQ(announced, plan->multicast_messages);
  EXPECT_EQ(octets, plan->multicast_octets);
  EXPECT_LE(last - begin, plan->unicast_time);
  EXPECT_GE(last - begin, plan->unicast_time / 2);
}

// What is under way is not sent again.
TEST_F(Calendars, APlanThatJoinsAnotherIsThatOne) {
  for (const rekey::KeyLevel level : {rekey::KeyLevel::kMsk, rekey::KeyLevel::kMtk}) {
    const Reply first = world.Do(RekeyNow{kNews, level});
    world.Pass(milliseconds(300));
    const auto plan = world.core->Plan(kNews, level, {}, world.now);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_TRUE(plan->joins_another);
    EXPECT_EQ(plan->switch_at, first.rekey->switch_at);
    EXPECT_EQ(plan->recipients + plan->asking, 0U);
    EXPECT_EQ(plan->unicast_octets, 0U);
    EXPECT_EQ(plan->unicast_time, Duration::zero());
    EXPECT_EQ(plan->multicast_messages, 0U);
    EXPECT_EQ(plan->multicast_octets, 0U);
    const Reply second = world.Do(RekeyNow{kNews, level});
    EXPECT_EQ(second.rekey->sequence, first.rekey->sequence);
    EXPECT_EQ(second.rekey->switch_at, plan->switch_at);
  }
}

TEST_F(Calendars, APlanOfASecondExpulsionIsOfTheChangeRightBehind) {
  world.Do(Expel{kNews, {IdOf(1)}});
  world.Pass(milliseconds(50));
  const auto plan = world.core->Plan(kNews, rekey::KeyLevel::kMsk, {IdOf(2)}, world.now);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_TRUE(plan->joins_another);
  EXPECT_EQ(plan->recipients, 1U);
  EXPECT_EQ(world.Do(Expel{kNews, {IdOf(2)}}).rekey->switch_at, plan->switch_at);
}

TEST_F(Calendars, AWindowThatIsOverIsRefused) {
  const auto over =
      world.Refused(PutSchedule{kNews, Window("final", world.now - minutes(40), minutes(40))});
  EXPECT_EQ(over.error, Error::kInvalidArgument);
  ASSERT_EQ(over.violations.size(), 1U);
  EXPECT_EQ(over.violations[0].field, "rekey_schedule.once");
  const Instant begin = world.now - minutes(40);
  world.Do(PutSchedule{kNews, Window("final", begin, minutes(41))});
  // One that was right is ended, and is changed when it is over.
  world.Do(PutSchedule{kNews, Window("final", begin, minutes(30)), false});
}

TEST_F(Calendars, APlanChangesNothing) {
  const auto before = world.core->state().channels.at(kNews).ladder.last_key_number;
  ASSERT_TRUE(world.core->Plan(kNews, rekey::KeyLevel::kMsk, {}, world.now));
  ASSERT_TRUE(world.core->Plan(kNews, rekey::KeyLevel::kMtk, {}, world.now));
  EXPECT_EQ(world.ladder().last_key_number, before);
  EXPECT_EQ(world.core->Plan(ChannelId("none"), rekey::KeyLevel::kMsk, {}, world.now).error().error,
            Error::kNotFound);
  EXPECT_EQ(world.core->Plan(kNews, rekey::KeyLevel::kMsk, {IdOf(9)}, world.now).error().error,
            Error::kNotFound);
}

rekey::Operation RekeyAll(std::vector<std::string> channels, Duration spread) {
  rekey::Operation operation;
  operation.id = OperationId("rekey-1");
  operation.kind = rekey::OperationKind::kRekeyChannels;
  operation.subject = "msk";
  operation.targets = std::move(channels);
  operation.spread = spread;
  return operation;
}

struct Operations : Calendars {
  Operations() {
    groups::Channel channel = NewsChannel();
    for (int i = 0; i < 3; ++i) {
      channel.id = ChannelId("c" + std::to_string(i));
      channel.key_group = KeyGroup(static_cast<uint16_t>(20 + i));
      world.Do(CreateChannel{channel});
    }
  }
  const rekey::Progress& At() const {
    return world.durable.operations.at(OperationId("rekey-1")).progress;
  }
  size_t Asked(const std::string& id) const {
    const auto& history = world.durable.channels.at(ChannelId(id)).history;
    return static_cast<size_t>(std::count_if(
        history.begin(), history.end(),
        [](const rekey::Rekey& rekey) { return rekey.reason == rekey::RekeyReason::kOperator; }));
  }
};

TEST_F(Operations, ChannelsAreRekeyedOneAfterTheOther) {
  world.Do(BeginOperation{RekeyAll({"c0", "gone", "c2"}, seconds(30))});
  EXPECT_EQ(At().total, 3U);
  EXPECT_EQ(At().done, 1U);
  world.Pass(seconds(11));
  EXPECT_EQ(At().done, 2U);
  EXPECT_FALSE(At().IsDone());
  world.Pass(seconds(11));
  EXPECT_TRUE(At().IsDone());
  EXPECT_EQ(At().notes, (std::vector<std::string>{"channels/gone: not_found"}));
  EXPECT_EQ(Asked("c0"), 1U);
  EXPECT_EQ(Asked("c1"), 0U);
  EXPECT_EQ(Asked("c2"), 1U);
}

TEST_F(Operations, ARestartGoesOnWhereItStopped) {
  world.Do(BeginOperation{RekeyAll({"c0", "c1", "c2"}, seconds(30))});
  world.Restart(seconds(12));
  EXPECT_GE(At().done, 1U);
  world.Pass(seconds(30));
  EXPECT_TRUE(At().IsDone());
  for (const char* id : {"c0", "c1", "c2"}) EXPECT_EQ(Asked(id), 1U) << id;
}

TEST_F(Operations, ACancelledOneStops) {
  world.Do(BeginOperation{RekeyAll({"c0", "c1"}, minutes(30))});
  world.Do(CancelOperation{OperationId("rekey-1")});
  EXPECT_TRUE(At().IsDone());
  EXPECT_EQ(At().error, Error::kCancelled);
  world.Pass(hours(1));
  EXPECT_EQ(Asked("c1"), 0U);
  world.Do(DeleteOperation{OperationId("rekey-1")});
  EXPECT_TRUE(world.durable.operations.empty());
  EXPECT_EQ(world.Refused(DeleteOperation{OperationId("rekey-1")}).error, Error::kNotFound);
}

TEST_F(Operations, OneUnderWayIsNotForgotten) {
  world.Do(BeginOperation{RekeyAll({"c0", "c1"}, minutes(30))});
  EXPECT_EQ(world.Refused(DeleteOperation{OperationId("rekey-1")}).error,
            Error::kFailedPrecondition);
}

}  // namespace
}  // namespace keymast::controller
