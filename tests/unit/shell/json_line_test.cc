// SPDX-License-Identifier: Apache-2.0
#include "shell/json_line.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace keymast::shell {
namespace {

TEST(JsonLine, HoldsEachKind) {
  JsonLine inner;
  inner.Boolean("b", true).Null("n");
  JsonLine line;
  line.Text("t", "x").Number("u", 7).Signed("s", -7).Object("o", inner);
  EXPECT_EQ(line.str(), R"({"t":"x","u":7,"s":-7,"o":{"b":true,"n":null}})");
}

TEST(JsonLine, WhateverTheTextTheLineIsJson) {
  for (const std::string& text :
       {std::string("a\"b\\c"), std::string("\0\n\x1f", 3), std::string("\xc3\xa4")}) {
    EXPECT_EQ(nlohmann::json::parse(JsonLine().Text("t", text).str()).at("t"), text);
  }
  // No UTF-8: replaced.
  for (const char* text : {"\xff", "a\xc3", "\xed\xa0\x80"}) {
    const std::string line = JsonLine().Text(text, text).str();
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
    EXPECT_NE(line.find("\xef\xbf\xbd"), std::string::npos);
  }
}

}  // namespace
}  // namespace keymast::shell
