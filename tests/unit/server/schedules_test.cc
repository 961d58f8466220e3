// SPDX-License-Identifier: Apache-2.0
// Schedules and their conflicts as the API has them.
#include "served.h"

namespace keymast::server {
namespace {

constexpr char kNight[] = "channels/a1/rekeySchedules/night";

class SchedulesTest : public Served {
 protected:
  SchedulesTest() : Served({}, true) {
    for (const char* id : {"a1", "a2"}) MakeChannel(id);
  }
  static core::CoreRequest Create(const std::string& id, const std::string& schedule,
                                  const std::string& more = {}) {
    return Ask("create_rekey_schedule { parent: 'channels/a1' rekey_schedule_id: '" + id +
               "' rekey_schedule { " + schedule + " } " + more + " }");
  }
  static core::CoreRequest Update(const std::string& schedule, const std::string& mask = {},
                                  const std::string& more = {}) {
    std::string text = "update_rekey_schedule { rekey_schedule { name: '" + std::string(kNight) +
                       "' " + schedule + " } ";
    if (!mask.empty()) text += "update_mask { " + mask + " } ";
    return Ask(text + more + " }");
  }
  std::string Field(const core::CoreRequest& request) {
    const core::CoreError error = Refused(request);
    EXPECT_EQ(error.reason(), "invalid_argument");
    return error.violations_size() == 1 ? error.violations(0).field() : error.message();
  }
  v1::RekeySchedule Night() {
    return Must("get_rekey_schedule { name: '" + std::string(kNight) + "' }").rekey_schedule();
  }
  int64_t Begin() const { return ToUnixNanos(clock_.now) / 1'000'000'000; }
  std::string Once(int64_t later) const {
    return "once { seconds: " + std::to_string(Begin() + later) + " }";
  }
};

TEST_F(SchedulesTest, AStartIsOfAPeriod) {
  const std::string start = " start_time { seconds: 1800000000 }";
  const char kField[] = "rekey_schedule.start_time";
  EXPECT_EQ(Field(Create("night", "cron: '0 4 * * *'" + start)), kField);
  EXPECT_EQ(Field(Create("night", Once(86400) + start)), kField);
  Must(Create("night", "period { seconds: 600 }" + start));
  EXPECT_EQ(Field(Update("cron: '0 4 * * *'" + start)), kField);
  EXPECT_EQ(Field(Update("cron: '0 4 * * *'" + start, "paths: 'cron' paths: 'start_time'")),
            kField);
  // What the mask leaves out is not given.
  const v1::RekeySchedule updated =
      Must(Update("cron: '0 4 * * *'" + start, "paths: 'cron'")).rekey_schedule();
  EXPECT_EQ(updated.cron(), "0 4 * * *");
  EXPECT_FALSE(updated.has_start_time());
  EXPECT_EQ(Field(Update(start)), kField);
}

TEST_F(SchedulesTest, ATimingThatAMaskNamesIsGiven) {
  Must(Create("night", "period { seconds: 600 }"));
  const std::string etag = Night().etag();
  EXPECT_EQ(Field(Update("period { seconds: 900 }", "paths: 'cron'")), "rekey_schedule.cron");
  EXPECT_EQ(Field(Update("", "paths: 'cron'")), "rekey_schedule.cron");
  EXPECT_EQ(Field(Update("paused: true", "paths: 'once' paths: 'paused'")), "rekey_schedule.once");
  EXPECT_EQ(Night().etag(), etag);
  const auto all = "paths: 'period' paths: 'cron' paths: 'once'";
  EXPECT_EQ(Must(Update("cron: '0 4 * * *'", all)).rekey_schedule().cron(), "0 4 * * *");
  EXPECT_EQ(Must(Update("period { seconds: 900 }", all)).rekey_schedule().period().seconds(), 900);
}

TEST_F(SchedulesTest, ABlackoutThatIsOverIsRefused) {
  const std::string hour = " blackout { seconds: 3600 }";
  EXPECT_EQ(Field(Create("night", Once(-3600) + hour)), "rekey_schedule.once");
  Must(Create("night", Once(-3500) + hour));
}

TEST_F(SchedulesTest, WhatIsOnlyCheckedIsShownAsItWouldBe) {
  const v1::RekeySchedule created =
      Must(Create("night", "period { seconds: 600 }", "validate_only: true")).rekey_schedule();
  EXPECT_EQ(created.name(), kNight);
  EXPECT_EQ(created.period().seconds(), 600);
  EXPECT_FALSE(created.has_create_time());
  EXPECT_FALSE(created.has_start_time());
  EXPECT_FALSE(created.has_next_time());
  EXPECT_EQ(created.etag(), "");
  const auto cron = Must(Create("night", "cron: '0 4 * * *'", "validate_only: true"));
  EXPECT_TRUE(cron.rekey_schedule().has_next_time()) << "which is known";

  const v1::RekeySchedule made = Must(Create("night", "period { seconds: 600 }")).rekey_schedule();
  const v1::RekeySchedule updated =
      Must(Update("cron: '0 4 * * *'", "", "validate_only: true")).rekey_schedule();
  EXPECT_EQ(updated.cron(), "0 4 * * *");
  EXPECT_EQ(updated.etag(), made.etag());
  EXPECT_EQ(updated.create_time().seconds(), made.create_time().seconds());
  EXPECT_EQ(updated.next_time().seconds() % 86400, 4 * 3600);
  EXPECT_EQ(Night().SerializeAsString(), made.SerializeAsString());
}

TEST_F(SchedulesTest, AStartOf1970IsAStart) {
  const std::string period = "period { seconds: 21600 } start_time {}";
  for (const char* more : {"validate_only: true", ""}) {
    const v1::RekeySchedule made = Must(Create("night", period, more)).rekey_schedule();
    ASSERT_TRUE(made.has_start_time());
    EXPECT_EQ(made.start_time().seconds(), 0);
    EXPECT_EQ(made.next_time().seconds() % 21600, 0);
  }
}

TEST_F(SchedulesTest, InstantsFarAwayAreRefused) {
  for (const char* seconds : {"-1", "-9200000000", "9200000000"}) {
    const std::string at = "{ seconds: " + std::string(seconds) + " }";
    EXPECT_EQ(Field(Create("night", "period { seconds: 600 } start_time " + at)),
              "rekey_schedule.start_time");
    EXPECT_EQ(Field(Create("night", "once " + at)), "rekey_schedule.once");
    EXPECT_EQ(Field(Create("night", "once " + at + " blackout { seconds: 2678400 }")),
              "rekey_schedule.once");
  }
}

TEST_F(SchedulesTest, ConflictsAreFoundHoweverManyChangesAChannelHas) {
  for (const char* id : {"a1", "a2"}) {
    const std::string channel = "'channels/" + std::string(id) + "'";
    Must("update_channel { channel { name: " + channel +
         " policy { msk_period { seconds: 1500 } } } }");
    for (const int days : {10, 25}) {
      Must("create_rekey_schedule { parent: " + channel + " rekey_schedule_id: 'd" +
           std::to_string(days) + "' rekey_schedule { " + Once(int64_t{days} * 86400 + 7) + " } }");
    }
  }
  const int64_t begin = Begin();
  std::vector<int64_t> days;
  std::string token;
  do {
    const auto page =
        Must("list_rekey_conflicts { horizon { seconds: 2678400 } page_size: 1000 page_token: '" +
             token + "' }")
            .list_rekey_conflicts();
    for (const v1::RekeyConflict& conflict : page.rekey_conflicts()) {
      const int64_t after = conflict.time().seconds() - begin - 7;
      if (after % 86400 == 0) days.push_back(after / 86400);
    }
    token = page.next_page_token();
  } while (!token.empty());
  EXPECT_THAT(days, testing::IsSupersetOf({10, 25}));
}

// To plan a change is to look at each schedule, and nothing else is done meanwhile.
TEST_F(SchedulesTest, ASearchForConflictsIsBoundedByWhatItTakes) {
  const auto asked = Ask("list_rekey_conflicts { horizon { seconds: 2678400 } }");
  Must(
      "update_channel { channel { name: 'channels/a1' policy { msk_period { seconds: 90 } "
      "msk_lead { seconds: 30 } } } }");
  Must(asked);
  for (const char* id : {"b", "c", "d"}) Must(Create(id, Once(86400)));
  EXPECT_EQ(Field(asked), "horizon");
}

}  // namespace
}  // namespace keymast::server
