// SPDX-License-Identifier: Apache-2.0
#include "cli/blackouts.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "cli/output.h"

namespace keymast::cli {
namespace {

const Instant kNoon{Duration(1'769'860'800'000'000'000)};  // 2026-01-31T12:00:00Z

Outcome<Blackouts> At(const std::string& schedules, Instant now = kNoon) {
  v1::ListRekeySchedulesResponse list;
  const auto read = google::protobuf::util::JsonStringToMessage(
      R"({"rekeySchedules": [)" + schedules + "]}", &list);
  EXPECT_TRUE(read.ok()) << read.ToString();
  return BlackoutsOf(list, now);
}

// "2026-01-31T12:15:00Z", "never", or empty where none is in force.
std::string EndOf(const std::string& schedules, Instant now = kNoon) {
  const auto blackouts = At(schedules, now);
  if (!blackouts) return blackouts.error().message;
  if (!blackouts->end) return "";
  return *blackouts->end == kNever ? "never" : TimeCell(TimestampOf(*blackouts->end), true);
}

TEST(Blackouts, EndForEachTiming) {
  EXPECT_EQ(EndOf(""), "");
  EXPECT_EQ(EndOf(R"({"once": "2026-01-31T11:45:00Z", "blackout": "1800s"})"),
            "2026-01-31T12:15:00Z");
  EXPECT_EQ(EndOf(R"({"cron": "0 11 * * sat", "blackout": "7200s"})"), "2026-01-31T13:00:00Z");
  EXPECT_EQ(EndOf(R"({"period": "86400s", "startTime": "2026-01-01T10:00:00Z",
                      "blackout": "7201s"})"),
            "2026-01-31T12:00:01Z");
  EXPECT_EQ(EndOf(R"({"period": "86400s", "createTime": "2026-01-01T10:00:00Z",
                      "blackout": "10800s"})"),
            "2026-01-31T13:00:00Z")
      << "from its making on";
}

TEST(Blackouts, AreInForceFromTheirBeginningAndNotAtTheirEnd) {
  const std::string noon = R"({"cron": "0 12 * * *", "blackout": "60s"})";
  EXPECT_EQ(EndOf(noon, kNoon - std::chrono::nanoseconds(1)), "");
  EXPECT_EQ(EndOf(noon, kNoon), "2026-01-31T12:01:00Z");
  EXPECT_EQ(EndOf(noon, kNoon + std::chrono::seconds(60)), "");
}

TEST(Blackouts, JoinEachOther) {
  const std::string first = R"({"once": "2026-01-31T11:00:00Z", "blackout": "7200s"})";
  const std::string second = R"({"once": "2026-01-31T12:30:00Z", "blackout": "3600s"})";
  const std::string third = R"({"once": "2026-01-31T13:30:00Z", "blackout": "60s"})";
  EXPECT_EQ(EndOf(first + "," + second + "," + third), "2026-01-31T13:31:00Z");
  EXPECT_EQ(EndOf(R"({"cron": "0 * * * *", "blackout": "3600s"})"), "never");
  EXPECT_EQ(EndOf(R"({"cron": "* * * * *", "blackout": "10800s"})"), "never");
  EXPECT_EQ(EndOf(R"({"cron": "0-58 * * * *", "blackout": "60s"})"), "2026-01-31T12:59:00Z");
}

TEST(Blackouts, AreNoRekeysAndNotPaused) {
  const std::string paused =
      R"({"once": "2026-01-31T11:00:00Z", "blackout": "7200s", "paused": true})";
  const auto none = At(R"({"cron": "30 12 * * *"},)" + paused);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->end);
  EXPECT_EQ(none->next, kNever);
  const auto next = At(R"({"cron": "30 12 * * *", "blackout": "60s"})");
  ASSERT_TRUE(next);
  EXPECT_EQ(next->next, kNoon + std::chrono::minutes(30));
}

TEST(Blackouts, OfAnotherVersionAreNotGuessed) {
  EXPECT_EQ(EndOf(R"({"name": "channels/one/rekeySchedules/odd", "cron": "@daily",
                      "blackout": "60s"})"),
            "this version cannot follow the schedule odd");
  EXPECT_EQ(EndOf(R"({"name": "channels/one/rekeySchedules/odd", "blackout": "60s"})"),
            "this version cannot follow the schedule odd");
}

TEST(IsPutOff, WhatPiercesMayGoAsPlanned) {
  v1::UpcomingRekey rekey;
  *rekey.mutable_time() = TimestampOf(kNoon);
  EXPECT_FALSE(IsPutOff(rekey));
  *rekey.mutable_deferred_from() = TimestampOf(kNoon);
  EXPECT_FALSE(IsPutOff(rekey));
  *rekey.mutable_deferred_from() = TimestampOf(kNoon - std::chrono::seconds(1));
  EXPECT_TRUE(IsPutOff(rekey));
}

}  // namespace
}  // namespace keymast::cli
