// SPDX-License-Identifier: Apache-2.0
#include "headend/options.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "headend/key_file.h"

namespace keymast::headend {
namespace {

TEST(Inputs, AreReadWithTheirStreams) {
  const auto inputs = ParseInputs({"video=127.0.0.1:6000", "video=127.0.0.1:6004",
                                   "audio=[::1]:6002", "one/video=239.1.2.3:5000"});
  ASSERT_TRUE(inputs);
  EXPECT_EQ((*inputs)[0].media, "video");
  EXPECT_EQ((*inputs)[0].ordinal, 0u);
  EXPECT_EQ((*inputs)[1].ordinal, 1u);
  EXPECT_EQ(ToString((*inputs)[2].listen), "[::1]:6002");
  EXPECT_EQ((*inputs)[3].channel, ChannelId("one"));
  EXPECT_EQ((*inputs)[3].ordinal, 0u);
}

TEST(Inputs, WhatIsNoneIsRefused) {
  for (const char* text : {"", "video", "=127.0.0.1:1", "/video=127.0.0.1:1", "video=localhost:1",
                           "video=127.0.0.1", "video=127.0.0.1:0", "one/=127.0.0.1:1"}) {
    EXPECT_FALSE(ParseInputs({text})) << text;
  }
  EXPECT_FALSE(ParseInputs({"video=127.0.0.1:6000", "audio=127.0.0.1:6000"}));
}

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/headend-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    options_.key_file = folder_ + "/key";
    options_.name = "headends/studio";
    options_.inputs = {"video=127.0.0.1:6000"};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  crypto::SystemRng rng_;
  std::string folder_;
  Options options_;
};

TEST_F(Files, AKeyIsMadeOnce) {
  const auto made = MakeKeyFile(options_.key_file, rng_);
  ASSERT_TRUE(made);
  const auto read = ReadKeyFile(options_.key_file);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->public_key, *made);
  const auto again = MakeKeyFile(options_.key_file, rng_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().error, Error::kAlreadyExists);
}

TEST_F(Files, AKeyThatOthersCanReadIsRefused) {
  EXPECT_NE(ReadKeyFile(options_.key_file).error().message.find("keymast-headend init"),
            std::string::npos);
  ASSERT_TRUE(MakeKeyFile(options_.key_file, rng_));
  std::filesystem::permissions(options_.key_file, std::filesystem::perms(0644));
  EXPECT_EQ(ReadKeyFile(options_.key_file).error().error, Error::kPermissionDenied);
}

TEST_F(Files, TheCommandLineGoesOverTheFile) {
  ASSERT_TRUE(MakeKeyFile(options_.key_file, rng_));
  options_.config = folder_ + "/headend.toml";
  std::ofstream(options_.config) << "server = \"unix:/a\"\nmax_mtk_overrun = \"5s\"\n"
                                    "input = [\"audio=127.0.0.1:1\"]\nstate = \"/s\"\n"
                                    "[profile]\nmki_with_domain = true\n";
  options_.target.server = "unix:/b";
  const auto setup = MakeSetup(options_);
  ASSERT_TRUE(setup) << setup.error().message;
  EXPECT_EQ(setup->target.server, "unix:/b");
  EXPECT_EQ(setup->state, "/s");
  EXPECT_EQ(setup->settings.id, HeadendId("studio"));
  EXPECT_EQ(setup->settings.max_mtk_overrun, std::chrono::seconds(5));
  EXPECT_TRUE(setup->settings.mki_with_domain);
  ASSERT_EQ(setup->settings.inputs.size(), 1u);
  EXPECT_EQ(setup->settings.inputs[0].media, "video");
}

TEST_F(Files, WhatIsMissingOrWrongIsNamed) {
  ASSERT_TRUE(MakeKeyFile(options_.key_file, rng_));
  const auto refused = [](const Options& options) { return MakeSetup(options).error().message; };
  Options bad = options_;
  bad.name.clear();
  EXPECT_NE(refused(bad).find("--name"), std::string::npos);
  bad = options_;
  bad.inputs.clear();
  EXPECT_NE(refused(bad).find("--input"), std::string::npos);
  bad = options_;
  bad.max_mtk_overrun = "soon";
  EXPECT_NE(refused(bad).find("--max-mtk-overrun"), std::string::npos);
}

}  // namespace
}  // namespace keymast::headend
