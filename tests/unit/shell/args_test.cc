// SPDX-License-Identifier: Apache-2.0
#include "shell/args.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keymast::shell {
namespace {

using testing::ElementsAre;

std::optional<int> Parse(Args& args, std::vector<std::string> words) {
  words.insert(words.begin(), "program");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const auto status = args.Parse(static_cast<int>(argv.size()), argv.data());
  testing::internal::GetCapturedStdout();
  testing::internal::GetCapturedStderr();
  return status;
}

TEST(Args, BindsOptionsAndFlags) {
  std::string config;
  int64_t fd = -1;
  bool loud = false;
  std::vector<std::string> inputs;
  Args args("program", "does things");
  args.Option("-c,--config", config, "file").Option("--fd", fd, "descriptor");
  args.Flag("--loud", loud, "say more").Option("--input", inputs, "an input");
  EXPECT_FALSE(Parse(args, {"-c", "f", "--fd", "3", "--loud", "--input", "a", "--input", "b"}));
  EXPECT_EQ(config, "f");
  EXPECT_EQ(fd, 3);
  EXPECT_TRUE(loud);
  EXPECT_THAT(inputs, ElementsAre("a", "b"));
  EXPECT_EQ(args.command(), "");
}

TEST(Args, KnowsTheCommandGiven) {
  std::string config;
  std::string key;
  Args args("program", "does things");
  args.Option("--config", config, "file");
  args.Command("run", "runs");
  args.Command("init", "makes").Option("--key", key, "file");
  EXPECT_FALSE(Parse(args, {"init", "--key", "k", "--config", "f"}));
  EXPECT_EQ(args.command(), "init");
  EXPECT_EQ(key, "k");
  EXPECT_EQ(config, "f");  // options of the program may stand behind the command
}

TEST(Args, HelpAndVersionEndWell) {
  Args args("program", "does things");
  EXPECT_EQ(Parse(args, {"--help"}), 0);
  EXPECT_EQ(Parse(args, {"--version"}), 0);
}

TEST(Args, UsageErrorsEndWithTwo) {
  std::string needed;
  Args args("program", "does things");
  args.Option("--needed", needed, "file", true);
  args.Command("run", "runs");
  EXPECT_EQ(Parse(args, {}), 2);
  EXPECT_EQ(Parse(args, {"--needed"}), 2);
  EXPECT_EQ(Parse(args, {"--needed", "x", "--other"}), 2);
  EXPECT_EQ(Parse(args, {"--needed", "x", "walk"}), 2);
}

}  // namespace
}  // namespace keymast::shell
