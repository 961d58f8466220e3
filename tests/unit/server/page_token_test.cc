// SPDX-License-Identifier: Apache-2.0
#include "server/page_token.h"

#include <gtest/gtest.h>

namespace keymast::server {
namespace {

crypto::SecretKey<32> Root(uint8_t octet) { return crypto::SecretKey<32>(Bytes(32, octet)); }

TEST(PageTokens, LeadBackToTheLastItem) {
  const PageTokens tokens(Root(1));
  EXPECT_EQ(*tokens.Read("channels", tokens.Make("channels", "sports")), "sports");
  EXPECT_EQ(*tokens.Read("channels", ""), "");
}

TEST(PageTokens, OutliveARestart) {
  const std::string token = PageTokens(Root(1)).Make("channels", "sports");
  EXPECT_EQ(*PageTokens(Root(1)).Read("channels", token), "sports");
}

TEST(PageTokens, BelongToOneListOfOneServer) {
  const PageTokens tokens(Root(1));
  const std::string token = tokens.Make("members of channels/a", "m");
  EXPECT_EQ(tokens.Read("members of channels/b", token).error(), Error::kInvalidArgument);
  EXPECT_EQ(PageTokens(Root(2)).Read("members of channels/a", token).error(),
            Error::kInvalidArgument);
}

TEST(PageTokens, AreRefusedAfterAnyChange) {
  const PageTokens tokens(Root(1));
  const std::string token = tokens.Make("channels", "sports");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_FALSE(tokens.Read("channels", changed)) << i;
    if (i > 0) {
      EXPECT_FALSE(tokens.Read("channels", token.substr(0, i))) << i;
    }
  }
  EXPECT_FALSE(tokens.Read("channels", token + "00"));
  EXPECT_FALSE(tokens.Read("channels", "no token"));
  EXPECT_FALSE(tokens.Read("channels", std::string(4096, 'a')));
}

}  // namespace
}  // namespace keymast::server
