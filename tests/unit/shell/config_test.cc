// SPDX-License-Identifier: Apache-2.0
#include "shell/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace keymast::shell {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

ConfigFile Parsed(std::string_view text) {
  auto file = ConfigFile::Parse(text, "k.toml");
  EXPECT_TRUE(file) << file.error().message;
  return std::move(*file);
}

std::string ErrorsOf(ConfigFile& file) {
  const auto finished = file.Finish();
  return finished ? "" : finished.error().message;
}

TEST(Config, GivesWhatTheFileHolds) {
  auto file = Parsed(
      "identity = \"a@b\"\nport = 2269\nloud = true\nlead = \"500ms\"\nnames = [\"a\", \"b\"]\n"
      "[tls]\nkey = \"k\"\n");
  EXPECT_EQ(file.String("identity", ""), "a@b");
  EXPECT_EQ(file.Integer("port", 1, 1, 65535), 2269);
  EXPECT_TRUE(file.Boolean("loud", false));
  EXPECT_EQ(file.DurationOf("lead", 1s), 500ms);
  EXPECT_THAT(file.Strings("names"), ElementsAre("a", "b"));
  EXPECT_EQ(file.String("tls.key", ""), "k");
  EXPECT_EQ(ErrorsOf(file), "");
}

TEST(Config, GivesDefaultsForWhatIsAbsent) {
  auto file = ConfigFile::Empty();
  EXPECT_EQ(file.String("identity", "x"), "x");
  EXPECT_EQ(file.Integer("port", 7, 1, 9), 7);
  EXPECT_TRUE(file.Boolean("loud", true));
  EXPECT_EQ(file.DurationOf("lead", 2s), 2s);
  EXPECT_TRUE(file.Strings("names").empty());
  EXPECT_TRUE(file.Table("roles").empty());
  EXPECT_FALSE(file.Has("identity"));
  EXPECT_EQ(ErrorsOf(file), "");
}

TEST(Config, SyntaxErrorsHaveAPlace) {
  const auto file = ConfigFile::Parse("a = 1\nb = \n", "k.toml");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().error, Error::kMalformed);
  EXPECT_THAT(file.error().message, testing::StartsWith("k.toml:2:"));
}

TEST(Config, AWrongTypeIsToldWithItsPlaceAndTheDefaultTaken) {
  auto file = Parsed("identity = 5\nport = \"x\"\nloud = 1\nlead = 3\nnames = \"a\"\n");
  EXPECT_EQ(file.String("identity", "x"), "x");
  EXPECT_EQ(file.Integer("port", 7, 1, 9), 7);
  EXPECT_FALSE(file.Boolean("loud", false));
  EXPECT_EQ(file.DurationOf("lead", 2s), 2s);
  EXPECT_TRUE(file.Strings("names").empty());
  const std::string errors = ErrorsOf(file);
  EXPECT_THAT(errors, HasSubstr("k.toml:1:12: identity must be a text"));
  EXPECT_THAT(errors, HasSubstr("k.toml:2:8: port must be a whole number from 1 to 9"));
  EXPECT_THAT(errors, HasSubstr("k.toml:3:8: loud must be true or false"));
  EXPECT_THAT(errors, HasSubstr("k.toml:4:8: lead must be a duration"));
  EXPECT_THAT(errors, HasSubstr("k.toml:5:9: names must be a list"));
}

TEST(Config, NumbersKeepTheirBounds) {
  for (const char* text : {"port = 0", "port = 10", "port = -1"}) {
    auto file = Parsed(text);
    EXPECT_EQ(file.Integer("port", 7, 1, 9), 7) << text;
    EXPECT_THAT(ErrorsOf(file), HasSubstr("from 1 to 9")) << text;
  }
  for (const char* text : {"port = 1", "port = 9"}) {
    auto file = Parsed(text);
    file.Integer("port", 7, 1, 9);
    EXPECT_EQ(ErrorsOf(file), "") << text;
  }
}

TEST(Config, UnknownKeysAreRefusedWithTheirPlace) {
  auto file =
      Parsed("identity = \"a\"\nidentiti = \"b\"\n[tls]\nkey = \"k\"\nkez = \"k\"\n[x]\ny=1\n");
  file.String("identity", "");
  file.String("tls.key", "");
  const std::string errors = ErrorsOf(file);
  EXPECT_THAT(errors, HasSubstr("k.toml:2:1: unknown key identiti"));
  EXPECT_THAT(errors, HasSubstr("k.toml:5:1: unknown key tls.kez"));
  EXPECT_THAT(errors, HasSubstr("unknown key x"));
}

TEST(Config, ATableGivesItsKeys) {
  auto file = Parsed("[roles]\nalice = \"operator\"\nbob = \"viewer\"\n");
  EXPECT_THAT(file.Table("roles"), testing::UnorderedElementsAre("alice", "bob"));
  EXPECT_EQ(file.String("roles.alice", ""), "operator");
  EXPECT_EQ(ErrorsOf(file), "");
}

TEST(Config, ArraysOfTablesAreCountedAndReadByTheirPlace) {
  auto file = ConfigFile::Parse(
      "[[rules]]\nname = \"a\"\n[[rules]]\nname = \"b\"\nlimits.most = 2\nother = 1\n", "t.toml");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->Tables("rules"), 2U);
  EXPECT_EQ(file->Tables("absent"), 0U);
  EXPECT_EQ(file->String("rules[0].name", ""), "a");
  EXPECT_EQ(file->String("rules[1].name", ""), "b");
  EXPECT_EQ(file->Integer("rules[1].limits.most", 0, 1, 5), 2);
  EXPECT_FALSE(file->Has("rules[2].name"));
  file->Refuse("rules[1]", "is refused");
  const auto finished = file->Finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().message,
            "t.toml:3:1: rules[1] is refused\nt.toml:6:1: unknown key rules[1].other");
}

TEST(Config, AnArrayOfTablesHoldsNothingElse) {
  EXPECT_EQ(ConfigFile::Parse("rules = []\n", "t.toml")->Tables("rules"), 0U);
  for (const char* text : {"rules = 1\n", "rules = [1]\n", "[rules]\na = 1\n"}) {
    auto file = ConfigFile::Parse(text, "t.toml");
    EXPECT_EQ(file->Tables("rules"), 0U);
    const auto finished = file->Finish();
    ASSERT_FALSE(finished) << text;
    EXPECT_NE(finished.error().message.find("rules must be tables, each under [[rules]]"),
              std::string::npos)
        << finished.error().message;
  }
}

TEST(Config, ListsOfTextsHoldNothingElse) {
  auto file = Parsed("names = [\"a\", 2]\n");
  EXPECT_THAT(file.Strings("names"), ElementsAre("a"));
  EXPECT_THAT(ErrorsOf(file), HasSubstr("k.toml:1:15: names"));
}

TEST(Config, ACallerRefusesAValueAtItsPlace) {
  auto file = Parsed("a = 1\nlisten = \"nonsense\"\n");
  file.Integer("a", 0, 0, 9);
  file.Refuse(file.String("listen", "").empty() ? "a" : "listen", "must be an address");
  file.Refuse("identity", "must be set");
  const std::string errors = ErrorsOf(file);
  EXPECT_THAT(errors, HasSubstr("k.toml:2:10: listen must be an address"));
  EXPECT_THAT(errors, HasSubstr("k.toml: identity must be set"));
}

TEST(Config, AWrongValueIsToldOnce) {
  auto file = Parsed("identity = 5\n");
  EXPECT_EQ(file.String("identity", ""), "");
  file.Refuse("identity", "must be set");  // as a caller does who finds it empty
  EXPECT_EQ(ErrorsOf(file), "k.toml:1:12: identity must be a text in quotes");
}

TEST(Config, PathsAreNeitherEmptyNorTooLong) {
  auto file = Parsed("data = \"\"\nsocket = \"/12345\"\nwitness = \"/1234\"\n");
  file.Path("data", "/d");
  file.Path("socket", "/s", 5);
  EXPECT_EQ(file.Path("witness", "/w", 5), "/1234");
  EXPECT_EQ(file.Path("record", "", 5), "");
  EXPECT_EQ(
      ErrorsOf(file),
      "k.toml:1:8: data must not be empty: give a path, or leave the key out for the "
      "default\nk.toml:2:10: socket is too long: 6 octets of at most 5; choose a shorter path");
}

TEST(Config, GivesTheirPlaceForWhatTurnsOutLater) {
  auto file = Parsed("a = 1\nlisten = \"x\"\n");
  EXPECT_EQ(file.Place("listen"), "k.toml:2:10: ");
  EXPECT_EQ(file.Place("absent"), "");
}

TEST(Config, AFileThatIsNotThereIsNamed) {
  const auto file = ConfigFile::Load("/nowhere/keymastd.toml");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().error, Error::kNotFound);
  EXPECT_THAT(file.error().message,
              HasSubstr("/nowhere/keymastd.toml: cannot be read (there is no such file)"));
}

TEST(Config, LoadsAFile) {
  const std::string path =
      testing::TempDir() + "/config_test-" + std::to_string(getpid()) + ".toml";
  std::ofstream(path) << "a = 4\n";
  auto file = ConfigFile::Load(path);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->Integer("a", 0, 0, 9), 4);
  std::remove(path.c_str());
}

TEST(Config, AHugeTextIsRefused) {
  const auto file = ConfigFile::Parse(std::string((1 << 20) + 1, ' '), "k.toml");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().error, Error::kTooLong);
}

struct DurationCase {
  const char* text;
  Duration value;
};
class Durations : public testing::TestWithParam<DurationCase> {};
TEST_P(Durations, AreRead) {
  const auto value = ParseDuration(GetParam().text);
  ASSERT_TRUE(value) << GetParam().text;
  EXPECT_EQ(*value, GetParam().value);
}
INSTANTIATE_TEST_SUITE_P(All, Durations,
                         testing::Values(DurationCase{"0s", 0s}, DurationCase{"500ms", 500ms},
                                         DurationCase{"2s", 2s}, DurationCase{"10m", 10min},
                                         DurationCase{"1h", 1h}, DurationCase{"2d", 48h},
                                         DurationCase{"7us", 7us}, DurationCase{"9ns", 9ns}));

TEST(Durations, OtherTextsAreRefused) {
  for (const char* text : {"", "s", "2", "2 s", "-2s", "2S", "1.5s", "2s ", "2sec",
                           "9223372036854775807s", "99999999999999999999s"}) {
    const auto value = ParseDuration(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error(), Error::kMalformed) << text;
  }
}

}  // namespace
}  // namespace keymast::shell
