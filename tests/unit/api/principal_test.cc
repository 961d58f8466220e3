// SPDX-License-Identifier: Apache-2.0
// Grants, scopes and limits of one principal, on instants that the test chooses.
#include "api/principal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keymast::api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ChannelSet Channels(const std::vector<std::string>& patterns) {
  ChannelSet channels;
  for (const std::string& pattern : patterns) EXPECT_TRUE(channels.Add(pattern)) << pattern;
  return channels;
}

Instant At(int64_t milliseconds) { return FromUnixNanos(milliseconds * 1'000'000); }

TEST(ChannelSet, HasIdsAndWhatBeginsWithThem) {
  const ChannelSet channels = Channels({"one", "studio-a-*"});
  EXPECT_TRUE(channels.Has("one"));
  EXPECT_TRUE(channels.Has("studio-a-news"));
  EXPECT_TRUE(channels.Has("studio-a-"));
  for (const char* other : {"on", "one1", "studio-a", "studio-b-news", "", "studio-a-*",
                            "studio-a-/x", "studio-a-News", "one*"}) {
    EXPECT_FALSE(channels.Has(other)) << other;
  }
}

TEST(ChannelSet, AStarAloneHasEveryIdAndNothingThatIsNone) {
  const ChannelSet channels = Channels({"*"});
  EXPECT_TRUE(channels.Has("x"));
  EXPECT_FALSE(channels.Has(""));
  EXPECT_FALSE(channels.Has("X"));
  EXPECT_FALSE(channels.Has(std::string(64, 'x')));
}

TEST(ChannelSet, TakesNoOtherPatterns) {
  ChannelSet channels;
  for (const char* other : {"", "a*b", "**", "*a", "A", "channels/one", "1a", "a**", "a?"}) {
    EXPECT_FALSE(channels.Add(other)) << other;
  }
  EXPECT_THAT(channels.patterns(), IsEmpty());
}

TEST(ChannelSet, KeepsEachOnce) {
  ChannelSet channels = Channels({"b", "a*", "b"});
  channels.Add(Channels({"a*", "c"}));
  EXPECT_THAT(channels.patterns(), ElementsAre("a*", "b", "c"));
}

TEST(PrincipalTest, IsNamedByItsRole) {
  const auto named = [](const std::string& name, Role role) {
    return Principal(name, RoleForAll(role)).As(role);
  };
  EXPECT_EQ(named(SocketPrincipal("operator"), Role::kOperator), "operator");
  EXPECT_EQ(named(SocketPrincipal("operator"), Role::kViewer), "viewer:unix:operator");
  EXPECT_EQ(named(SocketPrincipal("studio"), Role::kOperator), "operator:unix:studio");
  EXPECT_EQ(named("he-1", Role::kHeadend), "headend:he-1");
}

constexpr unsigned kReads = RoleBit(Role::kViewer) | RoleBit(Role::kOperator);
constexpr unsigned kChanges = RoleBit(Role::kOperator);

TEST(PrincipalTest, ARoleForAllGoesBeforeOneForSome) {
  const Principal mixed("x", {{{Role::kOperator, Channels({"one"})}, {Role::kViewer}}, {}});
  const auto reads = mixed.LeaveFor(kReads);
  ASSERT_TRUE(reads);
  EXPECT_EQ(reads->role, Role::kViewer);
  EXPECT_FALSE(reads->channels);
  const auto changes = mixed.LeaveFor(kChanges);
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->role, Role::kOperator);
  EXPECT_THAT(changes->channels->patterns(), ElementsAre("one"));
  EXPECT_FALSE(mixed.LeaveFor(RoleBit(Role::kHeadend)));
}

TEST(PrincipalTest, GrantsForSomeChannelsAddUpAsFarAsTheirRolesMay) {
  const Principal several("x", {{{Role::kOperator, Channels({"one"})},
                                 {Role::kViewer, Channels({"two"})},
                                 {Role::kAuditor, Channels({"three"})}},
                                {}});
  EXPECT_THAT(several.LeaveFor(kReads)->channels->patterns(), ElementsAre("one", "two"));
  EXPECT_THAT(several.LeaveFor(kChanges)->channels->patterns(), ElementsAre("one"));
}

TEST(PrincipalTest, WhatNobodyMayIsNotLeftToAnybody) {
  EXPECT_FALSE(Principal("x", RoleForAll(Role::kOperator)).LeaveFor(0));
}

TEST(PrincipalTest, CallsHaveTheirRateAfterABurst) {
  Principal principal("alice", {{{Role::kViewer}}, {.requests_per_second = 10, .burst = 3}});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(principal.TakeCall(At(1000)));
  const auto refused = principal.TakeCall(At(1000));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error, Error::kTooManyRequests);
  EXPECT_EQ(refused.error().limit.name, "principal:alice");
  EXPECT_EQ(refused.error().limit.allows, "requests_per_second: 10, after a pause 3 at once");
  EXPECT_EQ(refused.error().retry_after_ms, 101U);
  EXPECT_FALSE(principal.TakeCall(At(1099))) << "what is refused takes nothing, and none comes";
  EXPECT_TRUE(principal.TakeCall(At(1100)));
  EXPECT_FALSE(principal.TakeCall(At(1100)));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(principal.TakeCall(At(60'000))) << i;
  EXPECT_FALSE(principal.TakeCall(At(60'000))) << "a longer pause keeps no more than a burst";
}

// What RetryInfo says is true.
TEST(PrincipalTest, ACallIsTakenWhenItWasToldToComeAgain) {
  Principal principal("alice", {{{Role::kViewer}}, {.requests_per_second = 3, .burst = 1}});
  int64_t now = 1000;
  ASSERT_TRUE(principal.TakeCall(At(now)));
  for (int i = 0; i < 10; ++i) {
    const auto refused = principal.TakeCall(At(now));
    ASSERT_FALSE(refused);
    now += refused.error().retry_after_ms;
    ASSERT_TRUE(principal.TakeCall(At(now)));
  }
}

TEST(PrincipalTest, WithoutALimitThereIsNone) {
  Principal principal("alice", RoleForAll(Role::kOperator));
  std::vector<Principal::Watching> watches;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(principal.TakeCall(At(0)));
    auto watching = principal.TakeWatch();
    ASSERT_TRUE(watching);
    watches.push_back(std::move(*watching));
  }
}

TEST(PrincipalTest, WatchesAreCountedWhileTheyLast) {
  Principal principal("alice", {{{Role::kAuditor}}, {.watches = 2}});
  auto first = principal.TakeWatch();
  const auto second = principal.TakeWatch();
  ASSERT_TRUE(first && second);
  const auto third = principal.TakeWatch();
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().error, Error::kTooManyRequests);
  EXPECT_EQ(third.error().limit.name, "principal:alice");
  EXPECT_EQ(third.error().limit.allows, "watches: 2 at once");
  EXPECT_EQ(third.error().retry_after_ms, 0U);
  first->reset();
  EXPECT_TRUE(principal.TakeWatch());
}

}  // namespace
}  // namespace keymast::api
