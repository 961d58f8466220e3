// SPDX-License-Identifier: Apache-2.0
#include "shell/log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace keymast::shell {
namespace {

std::vector<nlohmann::json> LinesOf(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

TEST(Log, WritesOneObjectALine) {
  InitLog("keymastd", LogLevel::kInfo);
  testing::internal::CaptureStderr();
  Log(LogLevel::kInfo, "started", {{"socket", "/run/x"}, {"quote", "a\"b\n"}});
  Log(LogLevel::kError, "commit_failed");
  const auto lines = LinesOf(testing::internal::GetCapturedStderr());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["program"], "keymastd");
  EXPECT_EQ(lines[0]["level"], "info");
  EXPECT_EQ(lines[0]["event"], "started");
  EXPECT_EQ(lines[0]["socket"], "/run/x");
  EXPECT_EQ(lines[0]["quote"], "a\"b\n");
  EXPECT_EQ(lines[1]["level"], "error");
  const std::string time = lines[0]["time"];
  ASSERT_EQ(time.size(), 24U);
  EXPECT_EQ(time[10], 'T');
  EXPECT_EQ(time[19], '.');
  EXPECT_EQ(time[23], 'Z');
}

TEST(Log, LeavesOutWhatLiesBelowItsLevel) {
  InitLog("keymastd", LogLevel::kWarning);
  testing::internal::CaptureStderr();
  Log(LogLevel::kDebug, "a");
  Log(LogLevel::kInfo, "b");
  Log(LogLevel::kWarning, "c");
  const auto lines = LinesOf(testing::internal::GetCapturedStderr());
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["event"], "c");
}

TEST(Log, TextThatIsNoUtf8StaysJson) {
  InitLog("keymastd", LogLevel::kInfo);
  testing::internal::CaptureStderr();
  Log(LogLevel::kInfo, "odd", {{"text", "\xff\xfe"}});
  EXPECT_EQ(LinesOf(testing::internal::GetCapturedStderr()).size(), 1U);
}

TEST(Log, LevelsHaveNames) {
  LogLevel level = LogLevel::kError;
  EXPECT_TRUE(ParseLogLevel("debug", level));
  EXPECT_EQ(level, LogLevel::kDebug);
  EXPECT_TRUE(ParseLogLevel("warning", level));
  EXPECT_EQ(level, LogLevel::kWarning);
  EXPECT_FALSE(ParseLogLevel("loud", level));
  EXPECT_EQ(level, LogLevel::kWarning);
}

}  // namespace
}  // namespace keymast::shell
