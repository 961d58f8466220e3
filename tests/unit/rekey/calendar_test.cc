// SPDX-License-Identifier: Apache-2.0
#include "rekey/calendar.h"

#include <gtest/gtest.h>

#include <functional>

#include "groups/blackouts.h"
#include "rekey/ladder.h"

namespace keymast::rekey {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Midnight UTC.
const Instant kNow{hours(24 * 20'000)};

struct Calendar : testing::Test {
  Calendar() {
    channel.channel.id = ChannelId("news");
    channel.channel.policy.msk_period = hours(6);
    channel.channel.policy.msk_lead = minutes(5);
  }
  groups::Schedule& Add(const std::string& id, groups::Timing timing) {
    groups::Schedule& schedule = channel.schedules[ScheduleId(id)];
    schedule.id = ScheduleId(id);
    schedule.timing = timing;
    schedule.created = kNow;
    schedule.start = kNow;
    return schedule;
  }
  void Blackout(const std::string& id, Instant from, Duration length) {
    groups::Schedule& window = Add(id, groups::Timing::kOnce);
    window.once = from;
    window.blackout = length;
  }
  PlannedChange Plan() { return PlanChange(channel, kNow + hours(6), kNow + minutes(5)); }

  ChannelState channel;
};

TEST_F(Calendar, WithoutSchedulesThePeriodEndsIt) {
  const PlannedChange plan = Plan();
  EXPECT_EQ(plan.at, kNow + hours(6));
  EXPECT_EQ(plan.reason, RekeyReason::kSchedule);
}

TEST_F(Calendar, AScheduleComesFirst) {
  Add("morning", groups::Timing::kCron).cron = "0 4 * * *";
  Add("once", groups::Timing::kOnce).once = kNow + hours(2);
  PlannedChange plan = Plan();
  EXPECT_EQ(plan.at, kNow + hours(2));
  EXPECT_EQ(plan.reason, RekeyReason::kCalendar);
  EXPECT_EQ(plan.schedule, ScheduleId("once"));
  channel.schedules.erase(ScheduleId("once"));
  EXPECT_EQ(Plan().at, kNow + hours(4));
}

TEST_F(Calendar, WhatIsCloserThanTheLeadIsPassedOver) {
  Add("each-minute", groups::Timing::kPeriod).period = minutes(1);
  EXPECT_EQ(Plan().at, kNow + minutes(5));
}

TEST_F(Calendar, JitterIsTheSameEachTimeAndOfTheChannelsOwn) {
  groups::Schedule& schedule = Add("morning", groups::Timing::kCron);
  schedule.cron = "0 4 * * *";
  schedule.jitter = minutes(10);
  const Instant one = ScheduledAfter(ChannelId("one"), schedule, kNow);
  EXPECT_EQ(one, ScheduledAfter(ChannelId("one"), schedule, kNow));
  EXPECT_GE(one, kNow + hours(4));
  EXPECT_LT(one, kNow + hours(4) + minutes(10));
  EXPECT_NE(one, ScheduledAfter(ChannelId("two"), schedule, kNow));
  // An instant that is put off has not passed when its own minute has.
  EXPECT_EQ(one, ScheduledAfter(ChannelId("one"), schedule, one - Duration(1)));
  EXPECT_GT(ScheduledAfter(ChannelId("one"), schedule, one), one + hours(23));
}

TEST_F(Calendar, ABlackoutPutsTheChangeOffToItsEnd) {
  Blackout("final", kNow + hours(5), hours(2));
  const PlannedChange plan = Plan();
  EXPECT_EQ(plan.at, kNow + hours(7));
  EXPECT_EQ(plan.deferred_from, kNow + hours(6));
  EXPECT_EQ(plan.reason, RekeyReason::kSchedule);
  EXPECT_FALSE(plan.pierces);
}

TEST_F(Calendar, BlackoutsThatTouchAreOne) {
  Blackout("a", kNow + hours(5), hours(2));
  Blackout("b", kNow + hours(7), hours(1));
  Blackout("c", kNow + hours(6), minutes(1));
  EXPECT_EQ(BlackoutEnd(channel.schedules, kNow + hours(6)), kNow + hours(8));
  EXPECT_EQ(BlackoutEnd(channel.schedules, kNow + hours(8)), std::nullopt) << "the end is outside";
  EXPECT_EQ(BlackoutEnd(channel.schedules, kNow + hours(5)), kNow + hours(8));
  EXPECT_EQ(BlackoutEnd(channel.schedules, kNow), std::nullopt);
  EXPECT_TRUE(IsInBlackout(channel.schedules, kNow + hours(6)));
  EXPECT_FALSE(IsInBlackout(channel.schedules, kNow + hours(8)));
  EXPECT_FALSE(IsInBlackout(channel.schedules, kNever));
}

TEST_F(Calendar, TheLongestLifePiercesIt) {
  Blackout("long", kNow + hours(5), hours(24));
  PlannedChange plan = Plan();
  EXPECT_EQ(plan.at, kNow + hours(12)) << "twice the period";
  EXPECT_EQ(plan.reason, RekeyReason::kLife);
  EXPECT_TRUE(plan.pierces);
  channel.channel.policy.msk_longest_life = hours(8);
  EXPECT_EQ(Plan().at, kNow + hours(8));
}

TEST_F(Calendar, ABlackoutWithoutEndIsPiercedToo) {
  groups::Schedule& always = Add("always", groups::Timing::kPeriod);
  always.period = minutes(1);
  always.blackout = minutes(1);
  EXPECT_EQ(BlackoutEnd(channel.schedules, kNow + hours(6)), kNever);
  EXPECT_EQ(Plan().at, kNow + hours(12));
}

// Windows of 31 days from each minute on: what falls into them is found without a walk over all.
TEST_F(Calendar, WindowsThatOverlapAThousandTimesAreFoundAtOnce) {
  groups::Schedule& always = Add("always", groups::Timing::kCron);
  always.cron = "* * * * *";
  always.blackout = hours(24 * 31);
  EXPECT_EQ(BlackoutEnd(channel.schedules, kNow + hours(6)), kNever);
  EXPECT_EQ(Plan().at, kNow + hours(12));
  always.cron = "* 0-22 1 jan,feb *";
  always.blackout = minutes(90);
  const Instant january{hours(24) * (56 * 365 + 14)};
  EXPECT_EQ(BlackoutEnd(channel.schedules, january + hours(1)), january + hours(24) + minutes(29));
}

TEST_F(Calendar, JitterSpreadsWhatABlackoutPutOff) {
  groups::Schedule& schedule = Add("morning", groups::Timing::kCron);
  schedule.cron = "0 4 * * *";
  schedule.jitter = minutes(30);
  Blackout("night", kNow + hours(3), hours(2));
  const PlannedChange plan = Plan();
  EXPECT_EQ(plan.reason, RekeyReason::kCalendar);
  EXPECT_EQ(plan.at - (kNow + hours(5)), plan.deferred_from - (kNow + hours(4)));
  // Not into the next blackout, and not beyond the longest life.
  Blackout("after", kNow + hours(5) + kGridStep, hours(1));
  EXPECT_EQ(Plan().at, kNow + hours(5));
  channel.schedules.erase(ScheduleId("after"));
  channel.channel.policy.msk_period = hours(6);
  channel.channel.policy.msk_longest_life = hours(5);
  EXPECT_EQ(Plan().at, kNow + hours(5));
}

struct Planned : Calendar {
  Planned() {
    Ladder& ladder = channel.ladder;
    ladder.msk.emplace();
    ladder.msk->id = {KeyGroup(1), KeyNumber(1)};
    ladder.msk->high = MtkId(65535);
    ladder.msk->ends = kNow + hours(6);
    ladder.last_key_number = KeyNumber(1);
    ladder.active = Slot{ladder.msk->id, MtkId(1), kNow};
    ladder.next_msk_change = kNow + hours(6);
  }
};

TEST_F(Planned, TheLadderFollows) {
  Add("once", groups::Timing::kOnce).once = kNow + hours(2);
  Replan(channel, channel.ladder, kNow);
  EXPECT_EQ(channel.ladder.next_msk_change, kNow + hours(2));
  EXPECT_EQ(channel.ladder.next_msk_reason, RekeyReason::kCalendar);
}

TEST_F(Planned, WhoIsToBeShutOutIsNotPutOff) {
  Blackout("final", kNow, hours(7));
  channel.ladder.next_msk_change = kNow + minutes(1);
  channel.ladder.next_msk_reason = RekeyReason::kLeave;
  Replan(channel, channel.ladder, kNow);
  EXPECT_EQ(channel.ladder.next_msk_change, kNow + minutes(1));
}

TEST_F(Planned, ExhaustionGoesThroughABlackout) {
  Blackout("final", kNow, hours(11));
  channel.ladder.msk->last_mtk = MtkId(65500);
  Replan(channel, channel.ladder, kNow);
  EXPECT_EQ(channel.ladder.next_msk_reason, RekeyReason::kExhaustion);
  EXPECT_EQ(channel.ladder.next_msk_change, kNow + 36 * seconds(10));
}

// Whatever becomes of the calendar meanwhile.
TEST_F(Planned, WhatABlackoutHasPutOffIsOwed) {
  Add("cut", groups::Timing::kOnce).once = kNow + hours(2);
  Blackout("night", kNow + hours(1), hours(4));
  Replan(channel, channel.ladder, kNow);
  const MskOrigin origin{ScheduleId("cut"), kNow + hours(2)};
  EXPECT_EQ(channel.ladder.next_msk_change, kNow + hours(5));
  EXPECT_EQ(channel.ladder.next_msk_origin, origin);
  channel.ladder.active->switch_at = kNow + hours(3);
  const auto plans = Upcoming(channel, kNow + hours(3), 1);
  ASSERT_EQ(plans.size(), 1U);
  EXPECT_EQ(plans[0].schedule, ScheduleId("cut"));
  EXPECT_EQ(plans[0].deferred_from, kNow + hours(2));
  const auto after = [&](const char* edited, const std::function<void()>& edit) {
    const ChannelState before = channel;
    edit();
    Replan(channel, channel.ladder, kNow + hours(3), ScheduleId(edited));
    const Ladder found = std::exchange(channel, before).ladder;
    EXPECT_EQ(found.next_msk_origin == origin, found.next_msk_reason == RekeyReason::kCalendar);
    return found.next_msk_change - kNow;
  };
  const auto schedule = [&](const char* id) -> groups::Schedule& {
    return channel.schedules.at(ScheduleId(id));
  };
  EXPECT_EQ(after("", [] {}), hours(5));
  const auto later = [&] { Add("later", groups::Timing::kCron).cron = "0 20 * * *"; };
  EXPECT_EQ(after("later", later), hours(5));
  EXPECT_EQ(after("night", [&] { schedule("night").blackout = minutes(270); }), minutes(330));
  EXPECT_EQ(after("night", [&] { channel.schedules.erase(ScheduleId("night")); }), minutes(185));
  EXPECT_EQ(after("night", [&] { schedule("night").paused = true; }), minutes(185));
  EXPECT_EQ(after("", [&] { schedule("cut").jitter = seconds(0); }), hours(5));
  EXPECT_EQ(after("cut", [&] { schedule("cut").paused = true; }), hours(6));
  EXPECT_EQ(after("cut", [&] { schedule("cut").once = kNow + hours(9); }), hours(6));
  EXPECT_EQ(after("cut", [&] { channel.schedules.erase(ScheduleId("cut")); }), hours(6));
}

TEST_F(Planned, AllThatABlackoutHasPutOffIsOwed) {
  Add("cut", groups::Timing::kOnce).once = kNow + hours(2);
  Add("third", groups::Timing::kCron).cron = "0 3 * * *";
  Blackout("night", kNow + hours(1), hours(4));
  Replan(channel, channel.ladder, kNow);
  channel.schedules.erase(ScheduleId("cut"));
  // Of a schedule that is new only what it says from then on.
  Add("half past two", groups::Timing::kCron).cron = "30 2 * * *";
  channel.schedules.at(ScheduleId("half past two")).created = kNow + hours(3);
  Replan(channel, channel.ladder, kNow + minutes(210), ScheduleId("cut"));
  EXPECT_EQ(channel.ladder.next_msk_change, kNow + hours(5));
  EXPECT_EQ(channel.ladder.next_msk_reason, RekeyReason::kCalendar);
  EXPECT_EQ(channel.ladder.next_msk_origin, (MskOrigin{ScheduleId("third"), kNow + hours(3)}));
  channel.schedules.at(ScheduleId("third")).cron = "0 2 * * *";
  Replan(channel, channel.ladder, kNow + minutes(220), ScheduleId("third"));
  EXPECT_EQ(channel.ladder.next_msk_reason, RekeyReason::kSchedule);
}

TEST_F(Planned, AJitterMovesNothingThatIsOwed) {
  groups::Schedule& cut = Add("cut", groups::Timing::kOnce);
  cut.once = kNow + hours(2);
  Blackout("night", kNow + hours(1), hours(4));
  Replan(channel, channel.ladder, kNow);
  cut.jitter = minutes(30);
  Replan(channel, channel.ladder, kNow + hours(3));
  const Duration jitter = channel.ladder.next_msk_origin.deferred_from - cut.once;
  EXPECT_GT(jitter, Duration::zero());
  EXPECT_EQ(channel.ladder.next_msk_change, kNow + hours(5) + jitter);
  // Behind the end it keeps its place, whatever else is edited.
  for (const Instant now : {kNow + hours(5) - minutes(4), kNow + hours(5) - minutes(2)}) {
    Replan(channel, channel.ladder, now, ScheduleId("other"));
    EXPECT_EQ(channel.ladder.next_msk_change, kNow + hours(5) + jitter);
  }
  cut.jitter = {};
  Replan(channel, channel.ladder, kNow + hours(3));
  EXPECT_EQ(channel.ladder.next_msk_change, kNow + hours(5));
  EXPECT_EQ(channel.ladder.next_msk_origin.deferred_from, cut.once);
}

// As when a channel that has grown needs a longer one.
TEST_F(Planned, ALongerLeadLosesNoChange) {
  Add("cut", groups::Timing::kOnce).once = kNow + hours(2);
  Replan(channel, channel.ladder, kNow);
  channel.channel.policy.msk_lead = hours(1);
  for (const Duration now : {minutes(90), minutes(95)}) {
    Replan(channel, channel.ladder, kNow + now);
    EXPECT_EQ(channel.ladder.next_msk_change, kNow + now + hours(1));
    EXPECT_EQ(channel.ladder.next_msk_reason, RekeyReason::kCalendar);
    EXPECT_EQ(channel.ladder.next_msk_origin, (MskOrigin{ScheduleId("cut"), kNow + hours(2)}));
  }
}

TEST_F(Planned, WhatWasDueFirstKeepsItsPlaceAndJitter) {
  groups::Schedule& cut = Add("cut", groups::Timing::kOnce);
  cut.once = kNow + hours(2);
  cut.jitter = minutes(30);
  Blackout("long", kNow + hours(1), hours(8));
  channel.channel.policy.msk_longest_life = hours(12);
  Replan(channel, channel.ladder, kNow);
  const Ladder before = channel.ladder;
  EXPECT_GT(before.next_msk_change, kNow + hours(9));
  Add("unrelated", groups::Timing::kCron).cron = "0 20 * * *";
  Replan(channel, channel.ladder, kNow + hours(7), ScheduleId("unrelated"));
  EXPECT_EQ(channel.ladder.next_msk_change, before.next_msk_change);
  EXPECT_EQ(channel.ladder.next_msk_reason, before.next_msk_reason);
  EXPECT_EQ(channel.ladder.next_msk_origin, before.next_msk_origin);
}

TEST_F(Planned, APeriodThatABlackoutPutsOffEndedWhenItEnded) {
  Blackout("final", kNow + hours(5), hours(2));
  Replan(channel, channel.ladder, kNow + minutes(390));
  EXPECT_EQ(channel.ladder.next_msk_change, kNow + hours(7));
  EXPECT_EQ(Upcoming(channel, kNow, 1)[0].deferred_from, kNow + hours(6));
}

TEST_F(Planned, NothingIsOwedBehindTheChange) {
  Add("cut", groups::Timing::kOnce).once = kNow + hours(2);
  Blackout("night", kNow + hours(1), hours(4));
  Replan(channel, channel.ladder, kNow);
  Ladder& ladder = channel.ladder;
  ladder.next_msk = ladder.msk;
  ladder.next_msk->id.number = KeyNumber(2);
  ladder.next_msk->ends = kNow + hours(11);
  ladder.prepared = Slot{ladder.next_msk->id, MtkId(1), kNow + hours(5)};
  Activate(ladder);
  Replan(channel, ladder, kNow + hours(5));
  EXPECT_EQ(ladder.next_msk_change, kNow + hours(11));
  EXPECT_EQ(ladder.next_msk_origin, MskOrigin());
}

// A blackout of each minute has no end: no plan walks farther than its MSK may live.
TEST_F(Planned, WhatIsLookedAtIsBounded) {
  groups::Schedule& always = Add("always", groups::Timing::kCron);
  always.cron = "* * * * *";
  always.blackout = minutes(1);
  channel.channel.policy.msk_period = minutes(10);
  channel.channel.policy.msk_lead = minutes(1);
  Replan(channel, channel.ladder, kNow);
  size_t room = 10'000;
  EXPECT_EQ(Upcoming(channel, kNow, 100, kNever, Instant::min(), &room).size(), 100U);
  EXPECT_GT(room, 6'000U);
  room = 200;
  EXPECT_LT(Upcoming(channel, kNow, 100, kNever, Instant::min(), &room).size(), 50U);
  EXPECT_EQ(room, 0U);
}

TEST_F(Planned, WhatIsUpcomingFollowsOneFromTheOther) {
  Add("noon", groups::Timing::kCron).cron = "0 12 * * *";
  const auto plans = Upcoming(channel, kNow, 5);
  ASSERT_EQ(plans.size(), 5U);
  EXPECT_EQ(plans[0].at, kNow + hours(6));
  EXPECT_EQ(plans[1].at, kNow + hours(12));
  EXPECT_EQ(plans[1].reason, RekeyReason::kSchedule) << "its period ends at that instant, too";
  EXPECT_EQ(plans[2].at, kNow + hours(18));
  EXPECT_EQ(plans[4].at, kNow + hours(30));
  EXPECT_EQ(Upcoming(channel, kNow, 5, kNow + hours(18)).size(), 3U);
  EXPECT_TRUE(Upcoming(channel, kNow, 5, kNow + hours(5)).empty());
}

TEST_F(Calendar, WhatIsPutOffBehindABlackoutPassesNothingOver) {
  channel.channel.policy.msk_period = hours(24);
  groups::Schedule& nightly = Add("nightly", groups::Timing::kCron);
  nightly.cron = "0 22 * * *";
  nightly.jitter = hours(6);
  const auto plan = [&](Duration period) {
    return PlanChange(channel, kNow + period, kNow + minutes(5));
  };
  const Instant drawn = plan(hours(48)).at;
  const Duration jitter = drawn - (kNow + hours(22));
  ASSERT_GT(jitter, minutes(2));
  const Instant end = drawn + minutes(1);
  Blackout("match", drawn - minutes(1), minutes(2));
  EXPECT_EQ(plan(hours(48)).at, end + jitter);
  Add("morning", groups::Timing::kOnce).once = end + minutes(1);
  EXPECT_EQ(plan(hours(48)).at, end) << "and the other one follows";
  channel.schedules.erase(ScheduleId("morning"));
  EXPECT_EQ(plan(end + minutes(1) - kNow).at, end) << "the period does not outlast its end";
}

TEST_F(Calendar, ABlackoutEndsForALaterInstantAlsoWhereTooManyJoinedForAnEarlierOne) {
  groups::Schedule& windows = Add("windows", groups::Timing::kCron);
  windows.cron = "* * 1-3 * *";  // 4320 join
  windows.blackout = minutes(1);
  const auto day = [](int number) { return Instant(hours(24 * (19'996 + number))); };
  ASSERT_EQ(BlackoutEnd(channel.schedules, day(1)), kNever);
  groups::Blackouts blackouts;
  blackouts.Add(windows);
  EXPECT_EQ(blackouts.End(day(1)), kNever);
  const auto end = blackouts.End(day(2));
  EXPECT_EQ(end, day(4));
  EXPECT_EQ(end, BlackoutEnd(channel.schedules, day(2)));
}

}  // namespace
}  // namespace keymast::rekey
