// SPDX-License-Identifier: Apache-2.0
// Filters as AIP-160 has them, over messages of the API.
#include "server/filter.h"

#include <gtest/gtest.h>

#include "keymast/v1/channel.pb.h"
#include "keymast/v1/headend.pb.h"
#include "keymast/v1/member.pb.h"

namespace keymast::server {
namespace {

v1::Member Bob() {
  v1::Member member;
  member.set_name("channels/one/members/bob");
  member.set_joined(true);
  member.set_reachability(v1::PENDING);
  member.set_msk_endpoint("192.0.2.7:2271");
  member.mutable_create_time()->set_seconds(1'800'000'000);  // 2027-01-15T08:00:00Z
  return member;
}

v1::Channel One() {
  v1::Channel channel;
  channel.set_name("channels/one");
  channel.set_display_name("It's \"One\"");
  channel.set_member_count(12);
  channel.mutable_multicast()->set_ttl(3);
  channel.mutable_policy()->mutable_mtk_period()->set_seconds(10);
  channel.add_streams()->set_media("video");
  return channel;
}

bool Matches(const std::string& text, const google::protobuf::Message& message) {
  const auto filter = Filter::Parse(text, *message.GetDescriptor());
  EXPECT_TRUE(filter) << text << ": " << (filter ? "" : filter.error().message);
  return filter && filter->Matches(message);
}

std::string Refused(const std::string& text) {
  const auto filter = Filter::Parse(text, *v1::Member::descriptor());
  if (filter) return "taken: " + text;
  EXPECT_EQ(filter.error().error, Error::kInvalidArgument);
  EXPECT_EQ(filter.error().violations.at(0).field, "filter");
  return filter.error().message;
}

TEST(Filter, AnEmptyOneMatchesEverything) {
  EXPECT_TRUE(Matches("", Bob()));
  EXPECT_TRUE(Matches("  ", Bob()));
}

TEST(Filter, FieldsOfEachKindAreCompared) {
  EXPECT_TRUE(Matches("joined = true", Bob()));
  EXPECT_FALSE(Matches("joined = false", Bob()));
  EXPECT_TRUE(Matches("joined", Bob()));
  EXPECT_TRUE(Matches("reachability = PENDING", Bob()));
  EXPECT_TRUE(Matches("reachability != CONFIRMED", Bob()));
  EXPECT_TRUE(Matches("create_time > \"2027-01-15T07:59:59Z\"", Bob()));
  EXPECT_FALSE(Matches("create_time > \"2027-01-15T08:00:00Z\"", Bob()));
  EXPECT_TRUE(Matches("create_time >= \"2027-01-15T08:00:00Z\"", Bob()));
  EXPECT_TRUE(Matches("create_time >= 2027-01-15T08:00:00Z joined", Bob()));
  EXPECT_TRUE(Matches("member_count >= 12", One()));
  EXPECT_FALSE(Matches("member_count < 12", One()));
  EXPECT_TRUE(Matches("multicast.ttl = 3", One()));
  EXPECT_TRUE(Matches("policy.mtk_period <= 10s", One()));
  EXPECT_FALSE(Matches("policy.mtk_period < 10s", One()));
}

TEST(Filter, TextsHaveWildcardsAndQuotes) {
  EXPECT_TRUE(Matches("name = channels/one/members/bob", Bob()));
  EXPECT_TRUE(Matches("name = channels/one/*", Bob()));
  EXPECT_TRUE(Matches("name = \"*bob\"", Bob()));
  EXPECT_TRUE(Matches("name:members", Bob()));
  EXPECT_FALSE(Matches("name = bob", Bob()));
  EXPECT_TRUE(Matches(R"(display_name = "It's \"One\"")", One()));
  EXPECT_TRUE(Matches("display_name = 'It\\'s *'", One()));
  EXPECT_TRUE(Matches("name > channels/ona", One()));
}

// OR binds stronger than AND, and words side by side mean AND.
TEST(Filter, TermsAreCombinedAsTheSpecificationHasIt) {
  EXPECT_TRUE(Matches("joined AND reachability = PENDING", Bob()));
  EXPECT_TRUE(Matches("joined reachability = PENDING", Bob()));
  EXPECT_FALSE(Matches("joined AND reachability = IDLE OR reachability = CONFIRMED", Bob()));
  EXPECT_TRUE(Matches("reachability = IDLE OR reachability = PENDING AND joined", Bob()));
  EXPECT_FALSE(Matches("(reachability = PENDING AND joined = false) OR name = x", Bob()));
  EXPECT_TRUE(Matches("NOT joined = false", Bob()));
  EXPECT_TRUE(Matches("-reachability = IDLE", Bob()));
  EXPECT_TRUE(Matches("NOT (joined AND name = x)", Bob()));
}

TEST(Filter, WhatIsNotSetEqualsNothing) {
  EXPECT_FALSE(Matches("entitlement_end < \"2030-01-01T00:00:00Z\"", Bob()));
  EXPECT_TRUE(Matches("entitlement_end != \"2030-01-01T00:00:00Z\"", Bob()));
  EXPECT_FALSE(Matches("entitlement_end:*", Bob()));
  EXPECT_TRUE(Matches("create_time:*", Bob()));
  EXPECT_FALSE(Matches("key_state.active.mtk_id = 1", One()));
  EXPECT_FALSE(Matches("confirmed_msk_id:*", Bob()));
}

TEST(Filter, ListsAreAskedForAnElement) {
  v1::Headend headend;
  headend.add_channels("channels/one");
  headend.add_channels("channels/two");
  EXPECT_TRUE(Matches("channels:channels/two", headend));
  EXPECT_TRUE(Matches("channels:channels/t*", headend));
  EXPECT_FALSE(Matches("channels:channels/three", headend));
  EXPECT_TRUE(Matches("channels:*", headend));
  EXPECT_FALSE(Matches("channels:*", v1::Headend()));
}

TEST(Filter, WhatIsWrongIsToldWithItsPlace) {
  EXPECT_NE(Refused("nothing = 1").find("at octet 0: there is no field"), std::string::npos);
  EXPECT_NE(Refused("joined AND").find("a field must stand here"), std::string::npos);
  EXPECT_NE(Refused("(joined").find("a ) must stand here"), std::string::npos);
  EXPECT_NE(Refused("joined)").find("nothing can follow"), std::string::npos);
  EXPECT_NE(Refused("joined = perhaps").find("true or false"), std::string::npos);
  EXPECT_NE(Refused("reachability = LOST").find("a name of Reachability"), std::string::npos);
  EXPECT_NE(Refused("reachability > IDLE").find("has no order"), std::string::npos);
  EXPECT_NE(Refused("create_time > yesterday").find("must be compared with a time"),
            std::string::npos);
  EXPECT_NE(Refused("name = \"open").find("must end with its quote"), std::string::npos);
  EXPECT_NE(Refused("name ! x").find("no comparison"), std::string::npos);
  EXPECT_NE(Refused("name =").find("a value must stand here"), std::string::npos);
  EXPECT_NE(Refused("name.more = 1").find("there is no field"), std::string::npos);
  EXPECT_NE(Refused(std::string(40, '(') + "joined").find("parentheses"), std::string::npos);
  EXPECT_NE(Refused(std::string(3000, ' ') + "joined").find("2048"), std::string::npos);
  std::string many = "joined";
  for (int i = 0; i < 70; ++i) many += " OR joined";
  EXPECT_NE(Refused(many).find("too many comparisons"), std::string::npos);
  EXPECT_NE(Refused("$").find("at octet 0"), std::string::npos);
}

}  // namespace
}  // namespace keymast::server
