// SPDX-License-Identifier: Apache-2.0
#include "cli/yaml.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace keymast::cli {
namespace {

// What a reader takes each value for: `!` is text in quotes, `?` what the plain form says.
TEST(Yaml, TextStaysTextAndNumbersNumbers) {
  for (const char* text : {"0123",
                           "1e3",
                           "yes",
                           "No",
                           "on",
                           "OFF",
                           "true",
                           "null",
                           "~",
                           "",
                           "2026-01-31T12:00:00Z",
                           "- a",
                           "a: b",
                           "#a",
                           "1.5s",
                           "0x1f",
                           ".inf",
                           "12:30:45",
                           "y",
                           "N",
                           "a b ",
                           "\"",
                           "\\",
                           "@a",
                           "*a",
                           "&a",
                           "!a",
                           "%a",
                           "|",
                           ">",
                           "{",
                           "[",
                           "?",
                           "-",
                           "=",
                           "<<",
                           "a#b",
                           "Null"}) {
    std::string json = "{\"a\":\"";
    for (const char* c = text; *c != 0; ++c) {
      if (*c == '"' || *c == '\\') json += '\\';
      json += *c;
    }
    const YAML::Node read = YAML::Load(YamlOf(json + "\"}"))["a"];
    EXPECT_EQ(read.as<std::string>(), text);
    EXPECT_EQ(read.Tag(), "!") << text << " might be taken for something else";
  }
  for (const char* value : {"0", "4294967295", "-5", "true", "false", "1.5"}) {
    const YAML::Node read = YAML::Load(YamlOf("{\"a\":" + std::string(value) + "}"))["a"];
    EXPECT_EQ(read.Scalar(), value);
    EXPECT_EQ(read.Tag(), "?") << value;
  }
  EXPECT_TRUE(YAML::Load(YamlOf("{\"a\":null}"))["a"].IsNull());
}

TEST(Yaml, NamesNeedNoQuotesAndOrderStays) {
  EXPECT_EQ(YamlOf(R"({"name":"channels/one","count":"7","empty":[],"none":{},
                       "list":[{"b":1,"a":"x y"},["z"]]})"),
            "name: channels/one\n"
            "count: \"7\"\n"
            "empty: []\n"
            "none: {}\n"
            "list:\n"
            "  - b: 1\n"
            "    a: \"x y\"\n"
            "  -\n"
            "    - z\n");
}

TEST(Yaml, AnyCharacterComesBack) {
  const std::string text = "line\\nline\\ttab \\u0000 \\u001b \\u00e9 \\u2028 \\ud83d\\ude00";
  const YAML::Node read = YAML::Load(YamlOf("{\"a\":\"" + text + "\"}"))["a"];
  EXPECT_EQ(read.as<std::string>(), "line\nline\ttab " + std::string(1, '\0') +
                                        " \x1b \xc3\xa9 \xe2\x80\xa8 \xf0\x9f\x98\x80");
}

}  // namespace
}  // namespace keymast::cli
