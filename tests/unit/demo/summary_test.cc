// SPDX-License-Identifier: Apache-2.0
#include "demo/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace keymast::demo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void AddFrames(FrameLog& log, uint32_t from, uint32_t end) {
  for (uint32_t frame = from; frame < end; ++frame) log.Add({frame, false});
}

// GoodRun is 100 frames; the switch is at 60, the restart at 80.
RunResult GoodRun() {
  RunResult run;
  run.receivers = {{"member-1", Role::kMember, {}, 0},
                   {"late", Role::kLate, {}, 0},
                   {"expelled", Role::kExpelled, {}, 0}};
  AddFrames(run.receivers[0].frames, 0, 100);
  AddFrames(run.receivers[1].frames, 40, 100);
  AddFrames(run.receivers[2].frames, 0, 59);
  run.frames_sent = 100;
  run.first_after_switch = 60;
  run.first_after_restart = 80;
  run.late_first_at_most = 45;
  run.mtk_changes = 30;
  run.msk_changes = 3;
  run.roc_at_late_join = 1;
  run.absent_member = "UNREACHABLE";
  run.expel_call_to_dark_ms = 220;
  run.server_down_ms = 1600;
  run.server_rss_bytes = 20'000'000;
  run.cpu_idle_percent = 80;
  run.opened_after_expulsion = 0;
  return run;
}

TEST(FrameLog, CountsEachFrameOnceAndNoTail) {
  FrameLog log;
  EXPECT_EQ(log.first(), std::nullopt);
  EXPECT_EQ(log.Lost(10), 0u);
  for (const uint32_t frame : {5u, 7u, 6u, 6u, 9u}) log.Add({frame, false});
  log.Add({10, true});
  log.AddUnreadable();
  EXPECT_EQ(log.decoded(), 4u);
  EXPECT_EQ(log.unreadable(), 1u);
  EXPECT_EQ(log.first(), 5u);
  EXPECT_EQ(log.last(), 9u);
  EXPECT_EQ(log.Lost(9), 1u);
  EXPECT_EQ(log.Lost(12), 4u);
  EXPECT_EQ(log.Lost(4), 0u);
  EXPECT_EQ(log.From(7), 2u);
  EXPECT_EQ(log.From(1000), 0u);
}

TEST(Violations, NoneInAGoodRun) { EXPECT_THAT(Violations(GoodRun()), IsEmpty()); }

TEST(Violations, EachBrokenPromiseIsNamed) {
  const auto broken = [](auto change) {
    RunResult run = GoodRun();
    change(run);
    return Violations(run);
  };
  EXPECT_THAT(broken([](RunResult& run) {
                run.receivers[0].frames = {};
                AddFrames(run.receivers[0].frames, 1, 100);
              }),
              ElementsAre("member-1: first frame is 1"));
  EXPECT_THAT(broken([](RunResult& run) {
                run.receivers[0].frames = {};
                AddFrames(run.receivers[0].frames, 0, 99);
              }),
              ElementsAre("member-1: 1 frames lost", "member-1: last frame is 98"));
  EXPECT_THAT(broken([](RunResult& run) {
                run.receivers[1].frames = {};
                AddFrames(run.receivers[1].frames, 40, 70);
                AddFrames(run.receivers[1].frames, 71, 100);
                run.receivers[1].kernel_drops = 2;
              }),
              ElementsAre("late: 1 frames lost (the kernel dropped datagrams)",
                          "late: 2 datagrams dropped by the kernel"));
  EXPECT_THAT(broken([](RunResult& run) { run.receivers[0].refused_since_key = 4; }),
              ElementsAre("member-1: 4 packets did not open although a key was held"));
  EXPECT_THAT(broken([](RunResult& run) { run.late_first_at_most = 39; }),
              ElementsAre("late: first picture later than one GOP: frame 40"));
  EXPECT_THAT(
      broken([](RunResult& run) {
        run.receivers[2].frames.Add({60, false});
      }),
      ElementsAre("expelled: 1 frames lost", "expelled: 1 frames decoded after its expulsion"));
  EXPECT_THAT(broken([](RunResult& run) {
                run.receivers[2].frames = {};
                AddFrames(run.receivers[2].frames, 0, 45);
              }),
              ElementsAre("expelled: 6 frames lost"));
  EXPECT_THAT(broken([](RunResult& run) { run.receivers[0].frames = {}; }),
              ElementsAre("member-1: decoded nothing"));
  EXPECT_THAT(broken([](RunResult& run) { run.expel_call_to_dark_ms = 501; }),
              ElementsAre(HasSubstr("501 ms")));
  EXPECT_THAT(broken([](RunResult& run) { run.opened_after_expulsion = 3; }),
              ElementsAre(HasSubstr("3 packets")));
  EXPECT_THAT(broken([](RunResult& run) { run.absent_member = "ACKNOWLEDGED"; }),
              ElementsAre(HasSubstr("not UNREACHABLE at the exclusion but ACKNOWLEDGED")));
  EXPECT_THAT(broken([](RunResult& run) { run.server_down_ms.reset(); }),
              ElementsAre("keymastd did not come back"));
  EXPECT_THAT(broken([](RunResult& run) { run.mishaps = {"headend ended"}; }),
              ElementsAre("headend ended"));
}

TEST(Violations, KeysMustHaveChangedAsThePolicySays) {
  const auto changed = [](uint64_t mtks, uint64_t msks) {
    RunResult run = GoodRun();
    run.receivers.clear();
    run.frames_sent = 1500;  // 30 MTK periods
    run.mtk_changes = mtks;
    run.msk_changes = msks;
    return Violations(run);
  };
  EXPECT_THAT(changed(25, 2), IsEmpty());
  EXPECT_THAT(changed(24, 2), ElementsAre("only 24 MTK changes in 30 periods"));
  EXPECT_THAT(changed(0, 0), ElementsAre("only 0 MTK changes in 30 periods", "only 0 MSK changes"));
  EXPECT_THAT(changed(30, 1), ElementsAre("only 1 MSK changes"));
}

TEST(Violations, TheLateReceiverMustComeAfterTheWrap) {
  for (const std::optional<uint64_t> roc :
       {std::optional<uint64_t>(), std::optional<uint64_t>(0)}) {
    RunResult run = GoodRun();
    run.roc_at_late_join = roc;
    EXPECT_THAT(Violations(run), ElementsAre(HasSubstr("wrapped its ROC")));
  }
}

TEST(DarkFrom, DependsOnTheSwitchAlone) {
  const Instant switched = FromUnixNanos(1'790'000'000'000'000'000);
  EXPECT_EQ(DarkFrom(switched) - switched, std::chrono::milliseconds(50));
}

TEST(Violations, WhatWasNotMeasuredDidNotHold) {
  EXPECT_THAT(Violations(RunResult{}),
              ElementsAre("nothing was sent", "only 0 MSK changes", HasSubstr("wrapped its ROC"),
                          "nobody was expelled", HasSubstr("but not known"), HasSubstr("not known"),
                          HasSubstr("not tried"), HasSubstr("did not come back")));
}

TEST(SummaryJson, HasTheFieldsAsked) {
  const nlohmann::json json = nlohmann::json::parse(SummaryJson(GoodRun()));
  for (const char* field :
       {"receivers", "frames_sent", "mtk_changes", "msk_changes", "expel_call_to_dark_ms",
        "server_down_ms", "server_rss_bytes", "cpu_idle_percent"}) {
    EXPECT_TRUE(json.contains(field)) << field;
  }
  const nlohmann::json& late = json["receivers"][1];
  EXPECT_EQ(late["name"], "late");
  EXPECT_EQ(late["role"], "late");
  EXPECT_EQ(late["frames_decoded"], 60);
  EXPECT_EQ(late["frames_lost"], 0);
  EXPECT_EQ(late["frames_after_expulsion"], 0);
  EXPECT_EQ(late["frames_after_restart"], 20);
  EXPECT_EQ(late["kernel_drops"], 0);
  EXPECT_EQ(late["first_frame"], 40);
  EXPECT_EQ(late["last_frame"], 99);
  EXPECT_EQ(json["receivers"][2]["role"], "expelled");
}

TEST(SummaryJson, AnAbsentValueIsNull) {
  const nlohmann::json json = nlohmann::json::parse(SummaryJson(RunResult{}));
  EXPECT_TRUE(json["server_down_ms"].is_null());
}

TEST(SummaryTable, HasALineForEachReceiver) {
  const std::string table = SummaryTable(GoodRun());
  for (const char* word : {"member-1", "late", "expelled", "100 frames sent", "dark 220 ms"}) {
    EXPECT_THAT(table, HasSubstr(word));
  }
}

}  // namespace
}  // namespace keymast::demo
