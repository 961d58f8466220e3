// SPDX-License-Identifier: Apache-2.0
// Names in requests against a scope.
#include "api/reach.h"

#include <gtest/gtest.h>

#include "access_matrix.h"
#include "api/methods.h"

namespace keymast::api {
namespace {

class ReachTest : public testing::Test {
 protected:
  ReachTest() { EXPECT_TRUE(channels_.Add("one") && channels_.Add("studio-*")); }

  bool IsWithinScope(std::string_view method, std::string_view text) {
    const auto request = RequestOf({method, "", "", text}, "");
    return IsWithin(channels_, MethodOf(method).reach, *request);
  }

  ChannelSet channels_;
};

TEST_F(ReachTest, ANameThatNoChannelHasIsOutside) {
  EXPECT_TRUE(IsWithinScope("Members.GetMember", "name: 'channels/one/members/alice'"));
  for (const char* name : {"", "one", "channels", "channels/", "channels//members/a", "/one",
                           "channels/One", "channels/one%2f", "Channels/one", " channels/one",
                           "channels/studio-*", "subscribers/one", "channels/one\\000"}) {
    EXPECT_FALSE(IsWithinScope("Members.GetMember", "name: '" + std::string(name) + "'")) << name;
    EXPECT_FALSE(IsWithinScope("Channels.GetChannel", "name: '" + std::string(name) + "'")) << name;
  }
}

TEST_F(ReachTest, EveryNameOfABatchMustBeWithin) {
  EXPECT_TRUE(IsWithinScope("Channels.BatchGetChannels",
                            "names: 'channels/one' names: 'channels/studio-a'"));
  EXPECT_FALSE(
      IsWithinScope("Channels.BatchGetChannels", "names: 'channels/one' names: 'channels/two'"));
  EXPECT_FALSE(IsWithinScope("Channels.BatchGetChannels", "names: 'channels/one' names: ''"));
  EXPECT_FALSE(IsWithinScope("Channels.BatchGetChannels", ""));
}

TEST_F(ReachTest, WhatABatchHoldsMayLeaveOutItsParentAndNameNoOther) {
  EXPECT_TRUE(IsWithinScope("Members.BatchCreateMembers", "parent: 'channels/one' requests {}"));
  EXPECT_FALSE(IsWithinScope("Members.BatchCreateMembers",
                             "parent: 'channels/one' requests { parent: 'channels/two' }"));
  EXPECT_FALSE(IsWithinScope("Members.BatchCreateMembers", "requests { parent: 'channels/one' }"));
  EXPECT_FALSE(IsWithinScope("Members.ExpelMembers",
                             "parent: 'channels/one' names: 'channels/two/members/alice'"));
  EXPECT_FALSE(IsWithinScope("Members.BatchGetMembers",
                             "parent: 'channels/one' names: 'channels/two/members/alice'"));
}

TEST_F(ReachTest, AWatchOfOneChannelMustBeOfOneWithin) {
  EXPECT_TRUE(IsWithinScope("Rekeys.Watch", ""));
  EXPECT_TRUE(IsWithinScope("Rekeys.Watch", "channel: 'channels/studio-a'"));
  EXPECT_FALSE(IsWithinScope("Rekeys.Watch", "channel: 'channels/two'"));
}

TEST_F(ReachTest, ANewChannelIsNamedByItsId) {
  EXPECT_TRUE(IsWithinScope("Channels.CreateChannel", "channel_id: 'studio-new'"));
  EXPECT_FALSE(IsWithinScope("Channels.CreateChannel", "channel_id: 'other'"));
  EXPECT_FALSE(IsWithinScope("Channels.CreateChannel", "channel_id: 'channels/one'"));
  EXPECT_FALSE(IsWithinScope("Channels.CreateChannel", "channel { name: 'channels/one' }"));
}

TEST_F(ReachTest, SpansAreToldAChannelAndNothingElse) {
  const auto channel_in = [](std::string_view method, std::string_view text) {
    return ChannelIn(MethodOf(method).reach, *RequestOf({method, "", "", text}, ""));
  };
  EXPECT_EQ(channel_in("Members.GetMember", "name: 'channels/one/members/alice'"), "one");
  EXPECT_EQ(channel_in("Channels.CreateChannel", "channel_id: 'new'"), "new");
  EXPECT_EQ(channel_in("Members.GetMember", "name: 'channels/Alice Smith'"), "");
  EXPECT_EQ(channel_in("Subscribers.GetSubscriber", "name: 'subscribers/alice'"), "");
  EXPECT_EQ(channel_in("Channels.GetChannel", ""), "");
}

TEST_F(ReachTest, AStatusIsCurtailedToWhatSaysThatItRuns) {
  v1::ServerStatus status;
  status.set_version("1");
  status.set_store_state(v1::OPEN);
  status.set_ready(true);
  status.set_import_public_key("key");
  status.set_channel_count(3);
  status.set_subscriber_count(4);
  status.add_not_ready("reason");
  Curtail(MethodOf("Server.GetServerStatus").reach, status);
  v1::ServerStatus left;
  left.set_version("1");
  left.set_store_state(v1::OPEN);
  left.set_ready(true);
  EXPECT_EQ(status.SerializeAsString(), left.SerializeAsString());
}

}  // namespace
}  // namespace keymast::api
