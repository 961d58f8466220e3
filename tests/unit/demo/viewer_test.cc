// SPDX-License-Identifier: Apache-2.0
#include "demo/viewer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "demo/control.h"
#include "demo/live_view.h"
#include "demo/machine.h"

namespace keymast::demo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ParseReport, ReadsALineOfTheReceiver) {
  const auto report =
      ParseReport(R"({"time":1,"mki":"000100020003","opened":12,"unknown_mki":3,"mtk_changes":4,)"
                  R"("msk_changes":5,"kernel_drops":6,"last_good_packet_ns":1790000000000000000})");
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->mki, "000100020003");
  EXPECT_EQ(report->opened, 12u);
  EXPECT_EQ(report->unknown_mki, 3u);
  EXPECT_EQ(report->mtk_changes, 4u);
  EXPECT_EQ(report->msk_changes, 5u);
  EXPECT_EQ(report->kernel_drops, 6u);
  EXPECT_EQ(report->last_good_packet_ns, 1790000000000000000);
}

TEST(ParseReport, TheLowestRocIsOfAllStreamsOrUnknown) {
  const auto roc = [](const std::string& streams) {
    return ParseReport(R"({"opened":1,"packets":)" + streams + "}")->lowest_roc;
  };
  EXPECT_EQ(roc(R"({"video":{"index":131071},"audio":{"index":65535}})"), 0u);
  EXPECT_EQ(roc(R"({"video":{"index":131071},"audio":{"index":196608}})"), 1u);
  for (const char* streams : {"{}", "[]", "7", R"({"video":{"index":131071},"audio":{}})",
                              R"({"video":{"index":131071},"audio":7})"}) {
    EXPECT_EQ(roc(streams), std::nullopt) << streams;
  }
}

TEST(ParseReport, NullMeansNotYet) {
  const auto report = ParseReport(R"({"opened":0,"mki":null,"last_good_packet_ns":null})");
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->mki, "");
  EXPECT_EQ(report->last_good_packet_ns, std::nullopt);
}

TEST(ParseReport, OtherLinesAreNone) {
  for (const char* line : {"", "{", "[]", "17", "{}", "{\"level\":\"info\"}", "{\"opened\":1"}) {
    EXPECT_FALSE(ParseReport(line).has_value()) << line;
  }
}

TEST(ReadFrameLine, CountsFramesAndNothingElse) {
  FrameLog log;
  EXPECT_TRUE(ReadFrameLine(R"({"frame":3,"tail":false,"time":1})", log));
  EXPECT_TRUE(ReadFrameLine(R"({"frame":4,"tail":true,"time":1})", log));
  EXPECT_TRUE(ReadFrameLine(R"({"unreadable":true,"time":1})", log));
  for (const char* line : {"", "{}", R"({"frame":5})", R"({"frame":99999999,"tail":false})",
                           R"({"frame":5,"tail":"no"})"}) {
    EXPECT_FALSE(ReadFrameLine(line, log)) << line;
  }
  EXPECT_EQ(log.decoded(), 1u);
  EXPECT_EQ(log.unreadable(), 1u);
}

TEST(ParseTime, ReadsFractionsOfAnyLength) {
  EXPECT_EQ(ParseTime("1970-01-01T00:00:01Z"), FromUnixNanos(1'000'000'000));
  EXPECT_EQ(ParseTime("1970-01-02T00:00:00.250Z"), FromUnixNanos(86'400'250'000'000));
  EXPECT_EQ(ParseTime("2026-11-24T08:09:10.123456789Z"), FromUnixNanos(1795507750123456789));
  for (const char* text : {"2620-11-24T08:09:10Z", "1969-12-31T23:59:59Z", "2026-13-01T00:00:00Z",
                           "2026-11-00T00:00:00Z", "-2147483648-01-01T00:00:00Z"}) {
    EXPECT_FALSE(ParseTime(text)) << text;
  }
}

TEST(ParseTime, RefusesTheRest) {
  for (const char* text :
       {"", "Z", "2026-11-24", "2026-11-24T08:09:10", "2026/11/24T08:09:10Z",
        "2026-11-24T08:09:10.1234567890Z", "2026-11-24T08:09:10.xZ", "2026-11-24T08:09:10+01:00"}) {
    EXPECT_EQ(ParseTime(text), Err(Error::kMalformed)) << text;
  }
}

TEST(Page, ShowsRowsAndTheLatestEvents) {
  std::vector<std::string> events;
  for (int i = 0; i < 12; ++i) events.push_back("event " + std::to_string(i) + ".");
  const std::string page =
      Page("head", {{"member-1", "decoding", "17", "000100010002", "0", "opened 5"}}, events);
  EXPECT_THAT(page, HasSubstr("head\n"));
  EXPECT_THAT(page, HasSubstr("member-1      decoding         17     0  000100010002  opened 5\n"));
  EXPECT_THAT(page, HasSubstr("event 11."));
  EXPECT_THAT(page, Not(HasSubstr("event 3.")));
}

TEST(LiveView, ATerminalIsDrawnOverAndAPipeIsNot) {
  testing::internal::CaptureStdout();
  LiveView plain(false);
  plain.Draw("head", {});
  plain.Event(1.5, "it begins");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "   1.5 s  it begins\n");

  testing::internal::CaptureStdout();
  LiveView terminal(true);
  terminal.Draw("head", {});
  terminal.Event(2, "more");
  terminal.Draw("head", {});
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("\x1b[3A\r"));
}

TEST(Machine, IdleIsAShareOfTheTime) {
  EXPECT_DOUBLE_EQ(IdlePercent({100, 1000}, {175, 1100}), 75);
  EXPECT_DOUBLE_EQ(IdlePercent({100, 1000}, {100, 1000}), 0);
  EXPECT_GT(ReadCpuTimes().total, 0u);
  EXPECT_GE(ReadCpuTimes().total, ReadCpuTimes().idle);
}

TEST(Machine, OnlyALiveProcessHasMemory) {
  EXPECT_GT(ResidentBytes(getpid()), 100'000u);
  EXPECT_EQ(ResidentBytes(-1), 0u);
}

}  // namespace
}  // namespace keymast::demo
