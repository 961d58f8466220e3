// SPDX-License-Identifier: Apache-2.0
#include "api/roles.h"

#include <gtest/gtest.h>

#include "api/methods.h"
#include "front_fixture.h"

namespace keymast::api {
namespace {

// What each role may do, written down a second time and in another way than the table.
bool Expected(Role role, const std::string& method) {
  const std::string verb = method.substr(method.find('.') + 1);
  if (verb == "TrafficKeys") return role == Role::kHeadend;
  if (role == Role::kHeadend) return false;
  if (role == Role::kOperator) return true;
  const bool reads = verb.starts_with("Get") || verb.starts_with("List") || verb == "Watch";
  const bool about_people =
      method.starts_with("Subscribers.") || method.starts_with("Members.") || verb == "Watch";
  return reads && (role == Role::kAuditor || !about_people);
}

TEST(Roles, EveryMethodHasItsRoles) {
  EXPECT_EQ(Methods().size(), 27U);
  for (const Method& method : Methods()) {
    EXPECT_NE(method.roles, 0U) << method.name << " is missing in the table of roles";
    EXPECT_NE(method.request_field, nullptr) << method.name << " has no field in CoreRequest";
    EXPECT_NE(method.reply_field, nullptr) << method.name << " has no field in CoreReply";
    for (const Role role : kRoles) {
      EXPECT_EQ(MayCall(role, method.name), Expected(role, method.name))
          << RoleName(role) << " " << method.name;
    }
  }
}

TEST(Roles, AMethodThatTheTableDoesNotHaveIsRefusedToAll) {
  for (const Role role : kRoles) EXPECT_FALSE(MayCall(role, "Channels.Forget"));
}

TEST(Roles, PrincipalsAreNamedForTheLog) {
  EXPECT_EQ(ToString(Principal{Role::kOperator, ""}), "operator");
  EXPECT_EQ(ToString(Principal{Role::kHeadend, "he-1"}), "headend:he-1");
}

using RoleMatrix = FrontTest;

TEST_F(RoleMatrix, EveryUnaryMethodWithEveryRoleOverItsSocket) {
  Start();
  const auto* factory = google::protobuf::MessageFactory::generated_factory();
  for (const Role role : kRoles) {
    const auto channel = Channel(role);
    for (const Method& method : Methods()) {
      if (method.descriptor->server_streaming()) continue;
      const std::unique_ptr<google::protobuf::Message> request(
          const_cast<google::protobuf::MessageFactory*>(factory)
              ->GetPrototype(method.descriptor->input_type())
              ->New());
      const grpc::Status status = Call(*channel, method.name, *request);
      EXPECT_EQ(status.error_code(), Expected(role, method.name)
                                         ? grpc::StatusCode::OK
                                         : grpc::StatusCode::PERMISSION_DENIED)
          << RoleName(role) << " " << method.name << ": " << status.error_message();
    }
  }
  EXPECT_EQ(core_.CountOf(core::CoreRequest::kCreateChannel), 1U) << "refused calls go no further";
}

}  // namespace
}  // namespace keymast::api
