// SPDX-License-Identifier: Apache-2.0
#include "demo/stage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "shell/config.h"

namespace keymast::demo {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;
namespace fs = std::filesystem;

class StageTest : public testing::Test {
 protected:
  ~StageTest() override { fs::remove_all(folder_); }
  std::string Text(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  fs::path folder_ = fs::temp_directory_path() / ("keymast-stage-" + std::to_string(getpid()));
  Stage stage_{"/programs", folder_};
};

TEST_F(StageTest, AFolderThatNoRunMadeIsLeftAlone) {
  fs::create_directories(folder_ / "letters");
  fs::permissions(folder_, fs::perms::owner_all | fs::perms::group_read);
  std::ofstream(folder_ / "letters" / "mine") << "mine";
  const auto refused = stage_.Prepare();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().error, Error::kAlreadyExists);
  EXPECT_THAT(refused.error().message, testing::HasSubstr(folder_.string()));
  EXPECT_EQ(Text("letters/mine"), "mine");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
  EXPECT_EQ(fs::status(folder_).permissions(), fs::perms::owner_all | fs::perms::group_read);
}

TEST_F(StageTest, AFileIsNoFolder) {
  std::ofstream(folder_.string()) << "mine";
  const auto refused = stage_.Prepare();
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(fs::is_regular_file(folder_));
}

TEST_F(StageTest, PrepareEmptiesTheFolderOfARunAndKeepsOthersOut) {
  fs::create_directories(folder_ / "data");
  std::ofstream(folder_ / "keymast-run.lock").flush();
  std::ofstream(folder_ / "data" / "old") << "old";
  ASSERT_TRUE(stage_.Prepare().has_value());
  EXPECT_FALSE(fs::exists(folder_ / "data"));
  EXPECT_EQ(fs::status(folder_).permissions() & fs::perms::group_all, fs::perms::none);
  Stage second("/programs", folder_);
  const auto refused = second.Prepare();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().error, Error::kInUse);
}

TEST_F(StageTest, ConfigurationsCanBeRead) {
  ASSERT_TRUE(stage_.Prepare().has_value());
  auto server = shell::ConfigFile::Parse(Text("keymastd.toml"), "keymastd.toml");
  ASSERT_TRUE(server.has_value());
  EXPECT_EQ(server->String("data", ""), (folder_ / "data").string());
  EXPECT_EQ(server->String("mikey_listen", ""), "127.0.0.1:2269");
  auto api = shell::ConfigFile::Parse(Text("keymast-api.toml"), "keymast-api.toml");
  ASSERT_TRUE(api.has_value());
  EXPECT_EQ(api->String("core_socket", ""), server->String("socket", ""));
}

TEST_F(StageTest, BothStreamsWrapTheirRocWithinTheRun) {
  ASSERT_TRUE(stage_.Prepare().has_value());
  const nlohmann::json channel = nlohmann::json::parse(Text("channel.json"));
  ASSERT_EQ(channel["streams"].size(), 2u);
  for (const nlohmann::json& stream : channel["streams"]) {
    // 50 packets a second at least: the wrap is before the late join at 20 s.
    EXPECT_GT(stream["initialSequence"].get<int>() + 20 * 50, 65536);
  }
  EXPECT_NE(channel["streams"][0]["ssrc"], channel["streams"][1]["ssrc"]);
  EXPECT_EQ(channel["multicast"]["ttl"], 0);
}

TEST_F(StageTest, EveryProgramThatHandlesDatagramsRecords) {
  EXPECT_THAT(stage_.Receiver("late", 3),
              IsSupersetOf({folder_ / "late.pcapng", fs::path("127.0.0.1:2274"),
                            fs::path("video=127.0.0.1:7030,audio=127.0.0.1:7032")}));
  EXPECT_THAT(stage_.Headend(), Contains((folder_ / "headend.pcapng").string()));
  ASSERT_TRUE(stage_.Prepare().has_value());
  EXPECT_THAT(Text("keymastd.toml"), testing::HasSubstr("keymastd.pcapng"));
}

TEST_F(StageTest, FfmpegNeverReadsTheTerminal) {
  EXPECT_THAT(stage_.Decoder("late"), Contains("-nostdin"));
  EXPECT_THAT(stage_.Encoder(62), Contains("-nostdin"));
}

}  // namespace
}  // namespace keymast::demo
