// SPDX-License-Identifier: Apache-2.0
#include "base/endpoint.h"

#include <gtest/gtest.h>

namespace keymast {
namespace {

TEST(Endpoint, IsReadAndWritten) {
  for (const std::string_view text :
       {"192.0.2.1:2269", "[2001:db8::1]:1", "239.255.42.1:65535", "[ff15::42]:5004"}) {
    const auto endpoint = ParseEndpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(ToString(*endpoint), text);
  }
  EXPECT_TRUE(ParseEndpoint("239.255.42.1:1")->IsMulticast());
  EXPECT_FALSE(ParseEndpoint("192.0.2.1:1")->IsMulticast());
}

TEST(Endpoint, IsNothingElse) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv, "192.0.2.1"sv, "192.0.2.1:0"sv, "192.0.2.1:65536"sv, "192.0.2.1:1 "sv,
        "192.0.2.1:-1"sv, "[192.0.2.1]:1"sv, "2001:db8::1"sv, "name:1"sv, "192.0.2.1\0junk:1"sv}) {
    EXPECT_FALSE(ParseEndpoint(text)) << text;
  }
  for (const std::string_view text :
       {""sv, "192.0.2"sv, "192.0.2.1\0"sv, "192.0.2.1\0junk"sv, "::1\0"sv, "[::1]"sv}) {
    EXPECT_FALSE(ParseAddress(text)) << text;
  }
}

TEST(Endpoint, TakesAPortWhereNoneIsWritten) {
  EXPECT_EQ(ToString(*ParseEndpoint("192.0.2.1", 7)), "192.0.2.1:7");
  EXPECT_EQ(ToString(*ParseEndpoint("2001:db8::1", 7)), "[2001:db8::1]:7");
  EXPECT_EQ(ToString(*ParseEndpoint("192.0.2.1:9", 7)), "192.0.2.1:9");
  EXPECT_FALSE(ParseEndpoint("name", 7));
}

}  // namespace
}  // namespace keymast
