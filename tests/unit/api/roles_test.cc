// SPDX-License-Identifier: Apache-2.0
#include "api/roles.h"

#include <gtest/gtest.h>

#include "access_matrix.h"
#include "api/methods.h"

namespace keymast::api {
namespace {

TEST(Roles, EveryMethodHasARowInEachTableAndFieldsInFrames) {
  EXPECT_EQ(Methods().size(), Matrix().size());
  for (const Method& method : Methods()) {
    EXPECT_NE(method.roles, 0U) << method.name << " is missing in the table of roles";
    EXPECT_TRUE(HasReach(method.name)) << method.name << " is missing in the table of channels";
    EXPECT_NE(method.request_field, nullptr) << method.name << " has no field in CoreRequest";
    EXPECT_NE(method.reply_field, nullptr) << method.name << " has no field in CoreReply";
  }
}

TEST(Roles, AMethodThatTheTableDoesNotHaveIsRefusedToAll) {
  for (const Role role : kRoles) EXPECT_FALSE(MayCall(role, "Channels.Forget"));
  EXPECT_FALSE(HasReach("Channels.Forget"));
  // Nor is it about any channel, so that no scope lets it through either.
  const Reach reach = ReachOf("Channels.Forget", *MethodOf("Channels.GetChannel").descriptor);
  v1::GetChannelRequest request;
  request.set_name("channels/one");
  ChannelSet all;
  ASSERT_TRUE(all.Add("*"));
  EXPECT_FALSE(IsWithin(all, reach, request));
}

}  // namespace
}  // namespace keymast::api
