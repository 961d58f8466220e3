// SPDX-License-Identifier: Apache-2.0
#include "groups/cron.h"

#include <gtest/gtest.h>

#include "groups/instants.h"
#include "groups/schedule.h"

namespace keymast::groups {
namespace {

using namespace std::chrono;  // NOLINT: calendar literals

Instant At(year_month_day date, int hour = 0, int minute = 0) {
  return Instant(sys_days(date).time_since_epoch() + hours(hour) + minutes(minute));
}

Instant After(std::string_view cron, Instant at) {
  const auto parsed = Cron::Parse(cron);
  EXPECT_TRUE(parsed) << parsed.error();
  return parsed->After(at);
}

const Instant kMonday = At(2026y / November / 30, 10, 17);

TEST(Cron, EachFieldSelects) {
  EXPECT_EQ(After("* * * * *", kMonday), At(2026y / November / 30, 10, 18));
  EXPECT_EQ(After("0 * * * *", kMonday), At(2026y / November / 30, 11));
  EXPECT_EQ(After("30 4 * * *", kMonday), At(2026y / December / 1, 4, 30));
  EXPECT_EQ(After("0 0 1 * *", kMonday), At(2026y / December / 1));
  EXPECT_EQ(After("0 0 1 jan *", kMonday), At(2027y / January / 1));
  EXPECT_EQ(After("0 4 * * sun", kMonday), At(2026y / December / 6, 4));
  EXPECT_EQ(After("0 4 * * 7", kMonday), At(2026y / December / 6, 4)) << "7 is Sunday, too";
}

TEST(Cron, ListsRangesAndSteps) {
  EXPECT_EQ(After("*/15 * * * *", kMonday), At(2026y / November / 30, 10, 30));
  EXPECT_EQ(After("5,20,40 * * * *", kMonday), At(2026y / November / 30, 10, 20));
  EXPECT_EQ(After("0 9-17/4 * * *", kMonday), At(2026y / November / 30, 13));
  EXPECT_EQ(After("0 0 * * mon-fri", At(2026y / December / 4)), At(2026y / December / 7));
  EXPECT_EQ(After("7/20 * * * *", kMonday), At(2026y / November / 30, 10, 27));
}

TEST(Cron, AnInstantThatMatchesIsNotAfterItself) {
  const Instant at = At(2026y / December / 1, 4, 30);
  EXPECT_EQ(After("30 4 * * *", at), At(2026y / December / 2, 4, 30));
  EXPECT_EQ(After("30 4 * * *", at - seconds(1)), at);
}

// crontab(5): when both days are restricted, either matches.
TEST(Cron, EitherDayMatches) {
  EXPECT_EQ(After("0 0 13 * fri", kMonday), At(2026y / December / 4));
  EXPECT_EQ(After("0 0 13 * fri", At(2026y / December / 11)), At(2026y / December / 13));
}

TEST(Cron, LeapDaysComeAndImpossibleOnesNever) {
  EXPECT_EQ(After("0 0 29 2 *", kMonday), At(2028y / February / 29));
  EXPECT_EQ(After("0 0 29 2 *", At(2096y / February / 29)), At(2104y / February / 29))
      << "2100 is no leap year";
  EXPECT_EQ(After("0 0 30 2 *", kMonday), kNever);
}

// The last one up to an instant is the one from which no other comes before it.
TEST(Cron, TheLatestIsTheOneThatAfterFinds) {
  for (const char* text : {"* * * * *", "*/7 3-5 * * *", "0 0 1 * *", "59 23 31 12 *",
                           "30 4 29 2 *", "0 12 13 * fri", "0 0 30 2 *"}) {
    const Cron cron = *Cron::Parse(text);
    for (Instant last : {kMonday, At(2028y / March / 1), At(2028y / February / 29, 4, 30),
                         At(2026y / December / 31, 23, 59) + seconds(59)}) {
      const Instant first = last - days(40);
      std::optional<Instant> latest;
      for (Instant at = cron.After(first - minutes(1)); at <= last; at = cron.After(at))
        latest = at;
      EXPECT_EQ(cron.LatestIn(first, last), latest) << text;
    }
  }
}

TEST(Cron, WhatCannotBeReadIsToldByField) {
  for (const char* text : {"", "* * * *", "* * * * * *"}) {
    EXPECT_NE(Cron::Parse(text).error().find("five fields"), std::string::npos) << text;
  }
  EXPECT_NE(Cron::Parse("60 * * * *").error().find("minute"), std::string::npos);
  EXPECT_NE(Cron::Parse("* 24 * * *").error().find("hour"), std::string::npos);
  EXPECT_NE(Cron::Parse("* * 0 * *").error().find("day of month"), std::string::npos);
  EXPECT_NE(Cron::Parse("* * * foo *").error().find("month"), std::string::npos);
  EXPECT_NE(Cron::Parse("* * * * 8").error().find("day of week"), std::string::npos);
  for (const char* text : {"5-1 * * * *", "*/0 * * * *", "1/2/3 * * * *", "1-2-3 * * * *",
                           ",1 * * * *", "-1 * * * *", "1.5 * * * *", "99999999999 * * * *"}) {
    EXPECT_FALSE(Cron::Parse(text)) << text;
  }
  EXPECT_FALSE(Cron::Parse("* * * * *" + std::string(300, ' ')));
}

Schedule Daily() {
  Schedule schedule;
  schedule.id = ScheduleId("daily");
  schedule.period = hours(24);
  schedule.start = At(2026y / November / 1, 4);
  schedule.created = kMonday;
  return schedule;
}

TEST(Schedule, PeriodsCountFromTheirStart) {
  const Schedule schedule = Daily();
  EXPECT_EQ(InstantAfter(schedule, At(2026y / October / 1)), schedule.start);
  EXPECT_EQ(InstantAfter(schedule, schedule.start), At(2026y / November / 2, 4));
  EXPECT_EQ(InstantAfter(schedule, kMonday), At(2026y / December / 1, 4));
}

TEST(Schedule, OnceComesOnce) {
  Schedule schedule = Daily();
  schedule.timing = Timing::kOnce;
  schedule.once = At(2026y / December / 24, 18);
  EXPECT_EQ(InstantAfter(schedule, kMonday), schedule.once);
  EXPECT_EQ(InstantAfter(schedule, schedule.once), kNever);
}

TEST(Schedule, TheLatestOfEachTimingIsBetweenTheTwo) {
  Schedule schedule = Daily();
  const Instants daily(schedule);
  EXPECT_EQ(daily.LatestIn(kMonday - days(1), kMonday), At(2026y / November / 30, 4));
  EXPECT_EQ(daily.LatestIn(schedule.start, schedule.start), schedule.start);
  EXPECT_EQ(daily.LatestIn(kMonday, kMonday + hours(1)), std::nullopt);
  EXPECT_EQ(daily.LatestIn(Instant{}, schedule.start - seconds(1)), std::nullopt);
  schedule.timing = Timing::kOnce;
  schedule.once = kMonday;
  EXPECT_EQ(daily.LatestIn(kMonday, kMonday + days(1)), kMonday);
  EXPECT_EQ(daily.LatestIn(kMonday + seconds(1), kMonday + days(1)), std::nullopt);
  EXPECT_EQ(daily.LatestIn(Instant{}, kMonday - seconds(1)), std::nullopt);
  schedule.timing = Timing::kCron;
  schedule.cron = "0 4 * * *";
  EXPECT_EQ(Instants(schedule).LatestIn(kMonday - days(1), kMonday), At(2026y / November / 30, 4));
}

TEST(Schedule, JitterIsShorterThanTheTimeBetweenInstants) {
  Schedule schedule = Daily();
  schedule.jitter = hours(24);
  ASSERT_EQ(CheckSchedule(schedule).size(), 1U);
  EXPECT_EQ(CheckSchedule(schedule)[0].field, "rekey_schedule.jitter");
  schedule.jitter = hours(24) - milliseconds(1);
  EXPECT_TRUE(CheckSchedule(schedule).empty());
  schedule.timing = Timing::kCron;
  schedule.cron = "0,10 4 * * mon";
  schedule.jitter = minutes(10);
  EXPECT_FALSE(CheckSchedule(schedule).empty());
  schedule.paused = true;
  EXPECT_FALSE(CheckSchedule(schedule).empty()) << "it may go on";
  schedule.jitter = minutes(9);
  EXPECT_TRUE(CheckSchedule(schedule).empty());
  for (const char* rare : {"0 4 1 1,4,7,10 *", "0 0 29 2 *", "0 0 29 2 */7"}) {
    schedule.cron = rare;
    EXPECT_TRUE(CheckSchedule(schedule).empty()) << rare;
  }
  schedule.timing = Timing::kOnce;
  schedule.jitter = hours(24);
  EXPECT_TRUE(CheckSchedule(schedule).empty());
}

TEST(Schedule, APausedOneHasNoInstant) {
  Schedule schedule = Daily();
  schedule.paused = true;
  EXPECT_EQ(InstantAfter(schedule, kMonday), kNever);
  EXPECT_EQ(Instants(schedule).LatestIn(Instant{}, kMonday), std::nullopt);
}

TEST(Schedule, EveryFieldIsChecked) {
  const auto field = [](const Schedule& schedule) {
    const auto wrong = CheckSchedule(schedule);
    return wrong.empty() ? std::string() : wrong.front().field;
  };
  EXPECT_EQ(field(Daily()), "");
  Schedule schedule = Daily();
  schedule.period = seconds(59);
  EXPECT_EQ(field(schedule), "rekey_schedule.period");
  schedule = Daily();
  schedule.timing = Timing::kCron;
  schedule.cron = "0 0 31 2 *";
  EXPECT_EQ(field(schedule), "rekey_schedule.cron") << "never comes";
  schedule.cron = "nonsense";
  EXPECT_EQ(field(schedule), "rekey_schedule.cron");
  schedule = Daily();
  schedule.jitter = hours(25);
  EXPECT_EQ(field(schedule), "rekey_schedule.jitter");
  schedule = Daily();
  schedule.blackout = hours(24 * 32);
  EXPECT_EQ(field(schedule), "rekey_schedule.blackout");
  schedule.blackout = hours(1);
  schedule.jitter = seconds(1);
  EXPECT_EQ(field(schedule), "rekey_schedule.jitter");
}

}  // namespace
}  // namespace keymast::groups
