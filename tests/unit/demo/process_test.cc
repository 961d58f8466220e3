// SPDX-License-Identifier: Apache-2.0
#include "demo/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace keymast::demo {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ProcessTest : public testing::Test {
 protected:
  ~ProcessTest() override { std::filesystem::remove(log_); }
  std::string log_ =
      std::filesystem::temp_directory_path() / ("keymast-process-" + std::to_string(getpid()));
};

TEST_F(ProcessTest, RunGivesTheOutput) {
  EXPECT_EQ(demo::Run({"echo", "one", "two words"}, log_, seconds(10)), "one two words\n");
}

TEST_F(ProcessTest, RunGivesMuchOutputWhole) {
  const auto text = demo::Run({"seq", "1", "50000"}, log_, seconds(20));
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(std::count(text->begin(), text->end(), '\n'), 50000);
  EXPECT_TRUE(text->ends_with("\n50000\n"));
}

TEST_F(ProcessTest, AFailedRunTellsWhatItWrote) {
  const auto text = demo::Run({"sh", "-c", "echo why >&2; exit 3"}, log_, seconds(10));
  ASSERT_FALSE(text.has_value());
  EXPECT_NE(text.error().message.find("why"), std::string::npos);
}

TEST_F(ProcessTest, AProgramThatIsNotThereFails) {
  EXPECT_FALSE(demo::Run({"/nonexistent/program"}, log_, seconds(10)).has_value());
}

TEST_F(ProcessTest, ARunThatHangsIsEnded) {
  const auto text = demo::Run({"yes"}, log_, milliseconds(100));
  ASSERT_FALSE(text.has_value());
  EXPECT_NE(text.error().message.find("no answer in time"), std::string::npos);
}

TEST_F(ProcessTest, StopTellsTheStatusAndKillsTheDeaf) {
  auto polite = Process::Start({"sh", "-c",
                                "trap 'exit 7' TERM; echo up; read x < /dev/tty || "
                                "while :; do sleep 0.01; done"},
                               log_);
  ASSERT_TRUE(polite.has_value());
  while (polite->TakeLines().empty()) ASSERT_TRUE(polite->IsRunning());
  EXPECT_EQ(polite->Stop(SIGTERM, seconds(10)), 7);
  EXPECT_FALSE(polite->IsRunning());

  auto deaf =
      Process::Start({"sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done"}, log_);
  ASSERT_TRUE(deaf.has_value());
  while (deaf->TakeLines().empty()) ASSERT_TRUE(deaf->IsRunning());
  EXPECT_EQ(deaf->Stop(SIGTERM, milliseconds(50)), -1);
}

TEST_F(ProcessTest, NothingOutlivesItsOwner) {
  pid_t pid = -1;
  {
    auto process = Process::Start({"sleep", "1000"}, log_);
    ASSERT_TRUE(process.has_value());
    pid = process->pid();
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST_F(ProcessTest, AChainPassesOutputOn) {
  auto chain = StartChain({"seq", "1", "1000"}, {"wc", "-l"}, log_);
  ASSERT_TRUE(chain.has_value());
  EXPECT_EQ(chain->reader.Stop(0, seconds(10)), 0);
  EXPECT_EQ(chain->reader.TakeLines(), (std::vector<std::string>{"1000"}));
  EXPECT_EQ(chain->feeder.Stop(0, seconds(10)), 0);
}

TEST(Process, OneThatWasNeverStartedIsQuiet) {
  Process process;
  EXPECT_FALSE(process.IsRunning());
  EXPECT_TRUE(process.TakeLines().empty());
  EXPECT_EQ(process.Stop(SIGTERM, seconds(1)), -1);
}

}  // namespace
}  // namespace keymast::demo
