// SPDX-License-Identifier: Apache-2.0
// Calls on members.
#include "served.h"

namespace keymast::server {
namespace {

using testing::ElementsAre;

std::vector<std::string> FieldsOf(const core::CoreError& error) {
  std::vector<std::string> fields;
  for (const core::Violation& violation : error.violations()) fields.push_back(violation.field());
  return fields;
}

class CallsMembersTest : public Served {
 protected:
  CallsMembersTest() { MakeChannel("news"); }
  v1::Member Get(const std::string& id) {
    return Must("get_member { name: \"channels/news/members/" + id + "\" }").member();
  }
  // Batch asks for members s0, s1, ...
  static core::CoreRequest Batch(int count) {
    core::CoreRequest request = Ask(R"(batch_create_members { parent: "channels/news" })");
    for (int i = 0; i < count; ++i) {
      v1::CreateMemberRequest& one = *request.mutable_batch_create_members()->add_requests();
      one.set_member_id("s" + std::to_string(i));
      one.mutable_member()->set_msk_endpoint("127.0.0.1:2271");
    }
    return request;
  }
};

TEST_F(CallsMembersTest, CreatesAMemberThatJoins) {
  AddMember("news", "ada");
  const v1::Member member = Get("ada");
  EXPECT_EQ(member.name(), "channels/news/members/ada");
  EXPECT_TRUE(member.joined());
  EXPECT_EQ(member.reachability(), v1::PENDING);
  EXPECT_EQ(member.msk_endpoint(), "127.0.0.1:2271");
  EXPECT_TRUE(member.confirmed_msk_id().empty());
}

TEST_F(CallsMembersTest, JoinsAndLeaves) {
  Must(NewSubscriber("ada"));
  Must(R"(create_member { parent: "channels/news" member_id: "ada"
                          member { msk_endpoint: "127.0.0.1:2271" } })");
  EXPECT_FALSE(Get("ada").joined());
  const char join[] = R"(join_channel { name: "channels/news/members/ada" })";
  const char leave[] = R"(leave_channel { name: "channels/news/members/ada" })";
  EXPECT_EQ(Refused(leave).reason(), "failed_precondition");
  EXPECT_TRUE(Must(join).member().joined());
  EXPECT_TRUE(Must(join).member().joined());  // once more: sends the keys again
  EXPECT_FALSE(Must(leave).member().joined());
}

TEST_F(CallsMembersTest, OutsideItsWindowAMemberDoesNotJoin) {
  Must(NewSubscriber("ada"));
  const char create[] = R"(create_member { parent: "channels/news" member_id: "ada" join: true
      member { msk_endpoint: "127.0.0.1:2271" entitlement_end { seconds: 9 } } })";
  EXPECT_EQ(Refused(create).reason(), "not_entitled");
}

TEST_F(CallsMembersTest, UpdatesAMemberWithItsEtag) {
  AddMember("news", "ada");
  const std::string etag = Get("ada").etag();
  const auto update = [](const std::string& given, const std::string& endpoint) {
    return Ask("update_member { member { name: \"channels/news/members/ada\" msk_endpoint: \"" +
               endpoint + "\" etag: '" + given + "' } }");
  };
  EXPECT_EQ(Refused(update("\"99\"", "127.0.0.1:9")).reason(), "etag_mismatch");
  EXPECT_THAT(FieldsOf(Refused(update(etag, "nowhere"))), ElementsAre("member.msk_endpoint"));
  EXPECT_THAT(FieldsOf(Refused(update(etag, "239.0.0.1:9"))), ElementsAre("member.msk_endpoint"));
  const v1::Member updated = Must(update(etag, "127.0.0.1:9")).member();
  EXPECT_EQ(updated.msk_endpoint(), "127.0.0.1:9");
  EXPECT_NE(updated.etag(), etag);
}

TEST_F(CallsMembersTest, WhatIsOnlyCheckedIsNotDone) {
  Must(NewSubscriber("ada"));
  const v1::Member checked =
      Must(R"(create_member { parent: "channels/news" member_id: "ada" validate_only: true
                              member { msk_endpoint: "127.0.0.1:2271" } })")
          .member();
  EXPECT_EQ(checked.msk_endpoint(), "127.0.0.1:2271");
  EXPECT_FALSE(checked.has_create_time());
  EXPECT_EQ(checked.etag(), "");
  EXPECT_EQ(Refused(R"(get_member { name: "channels/news/members/ada" })").reason(), "not_found");
  AddMember("news", "ada");
  const v1::Member before = Get("ada");
  const v1::Member updated = Must(R"(update_member { member { name: "channels/news/members/ada"
                                       msk_endpoint: "127.0.0.1:9" } validate_only: true })")
                                 .member();
  EXPECT_EQ(updated.msk_endpoint(), "127.0.0.1:9");
  EXPECT_EQ(updated.etag(), before.etag());
  EXPECT_EQ(Get("ada").SerializeAsString(), before.SerializeAsString());
}

TEST_F(CallsMembersTest, AChecksMembersHaveJoinedAsTheyWouldHave) {
  Must(NewSubscriber("bob"));
  AddMember("news", "ada");
  const v1::Member ada = Get("ada");
  ASSERT_TRUE(ada.joined());
  EXPECT_TRUE(Must(R"(create_member { parent: "channels/news" member_id: "bob" validate_only: true
                                      join: true member { msk_endpoint: "127.0.0.1:2271" } })")
                  .member()
                  .joined());
  EXPECT_FALSE(Must(R"(update_member { validate_only: true member {
                         name: "channels/news/members/ada" entitlement_end { seconds: 1 } } })")
                   .member()
                   .joined());
  const v1::Member left =
      Must(R"(leave_channel { name: "channels/news/members/ada" validate_only: true })").member();
  EXPECT_FALSE(left.joined());
  EXPECT_EQ(left.reachability(), v1::IDLE);
  const auto expel = [&](const std::string& check) {
    return Must(R"(expel_members { parent: "channels/news" names: "channels/news/members/ada" )" +
                check + "}")
        .expel_members()
        .remaining();
  };
  AddMember("news", "cyd");
  EXPECT_EQ(expel("validate_only: true"), 1U);
  EXPECT_EQ(Get("ada").SerializeAsString(), ada.SerializeAsString());
  Must(R"(leave_channel { name: "channels/news/members/ada" })");
  EXPECT_EQ(expel("validate_only: true"), 1U);
  EXPECT_TRUE(Must(R"(join_channel { name: "channels/news/members/ada" validate_only: true })")
                  .member()
                  .joined());
  EXPECT_FALSE(Get("ada").joined());
  EXPECT_EQ(expel(""), 1U);
}

TEST_F(CallsMembersTest, AMemberIsASubscriber) {
  const char create[] = R"(create_member { parent: "channels/news" member_id: "nobody"
                                           member { msk_endpoint: "127.0.0.1:2271" } })";
  EXPECT_EQ(Refused(create).resource(), "subscribers/nobody");
  AddMember("news", "ada");
  EXPECT_EQ(Refused(R"(create_member { parent: "channels/news" member_id: "ada"
                                       member { msk_endpoint: "127.0.0.1:2271" } })")
                .reason(),
            "already_exists");
}

TEST_F(CallsMembersTest, ABatchHas1To1000Members) {
  Must(NewSubscribers(1000));
  for (const int count : {0, 1001}) {
    EXPECT_THAT(FieldsOf(Refused(Batch(count))), ElementsAre("requests"));
  }
  EXPECT_EQ(Must(Batch(1000)).batch_create_members().members_size(), 1000);
  EXPECT_EQ(StatusOf().member_count(), 1000U);
}

TEST_F(CallsMembersTest, ABatchIsOfOneChannelAndChecksNothingOnly) {
  Must(NewSubscribers(3));
  core::CoreRequest request = Batch(3);
  request.mutable_batch_create_members()->mutable_requests(2)->set_parent("channels/other");
  EXPECT_THAT(FieldsOf(Refused(request)), ElementsAre("requests[2].parent"));
  request = Batch(3);
  request.mutable_batch_create_members()->mutable_requests(2)->set_validate_only(true);
  EXPECT_THAT(FieldsOf(Refused(request)), ElementsAre("requests[2].validate_only"));
  request = Batch(3);
  auto& batch = *request.mutable_batch_create_members();
  batch.mutable_requests(1)->set_request_id("00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_THAT(FieldsOf(Refused(request)), ElementsAre("requests[1].request_id"));
  batch.set_request_id("00112233-4455-6677-8899-aabbccddeeff");
  batch.mutable_requests(1)->set_validate_only(true);
  EXPECT_THAT(FieldsOf(Refused(request)), ElementsAre("requests[1].validate_only"))
      << "the id of the batch is none of its own";
  request = Batch(3);
  request.mutable_batch_create_members()->mutable_requests(1)->mutable_member()->set_msk_endpoint(
      "239.0.0.1:1");
  EXPECT_THAT(FieldsOf(Refused(request)), ElementsAre("requests[1].member.msk_endpoint"));
  EXPECT_EQ(StatusOf().member_count(), 0U);
}

TEST_F(CallsMembersTest, ExpelsMembers) {
  for (const char* id : {"ada", "bob", "cyd"}) AddMember("news", id);
  const v1::ExpelMembersResponse gone =
      Must(R"(expel_members { parent: "channels/news" names: "channels/news/members/ada"
                              names: "channels/news/members/bob" })")
          .expel_members();
  EXPECT_EQ(gone.remaining(), 1U);
  EXPECT_EQ(gone.msk_id(), "00010002");
  EXPECT_GT(gone.switch_time().seconds(), 0);
  EXPECT_EQ(Refused(R"(get_member { name: "channels/news/members/ada" })").resource(),
            "channels/news/members/ada");
}

TEST_F(CallsMembersTest, WrongExpulsionsChangeNothing) {
  AddMember("news", "ada");
  EXPECT_THAT(FieldsOf(Refused(R"(expel_members { parent: "channels/news" })")),
              ElementsAre("names"));
  EXPECT_THAT(FieldsOf(Refused(R"(expel_members { parent: "channels/news"
                                   names: "channels/news/members/ada"
                                   names: "channels/sports/members/ada" })")),
              ElementsAre("names[1]"));
  EXPECT_EQ(Refused(R"(expel_members { parent: "channels/news" names: "channels/news/members/ada"
                                       names: "channels/news/members/bob" })")
                .reason(),
            "not_found");
  core::CoreRequest many = Ask(R"(expel_members { parent: "channels/news" })");
  for (int i = 0; i < 1001; ++i) many.mutable_expel_members()->add_names("channels/news/members/a");
  EXPECT_THAT(FieldsOf(Refused(many)), ElementsAre("names"));
  EXPECT_TRUE(Get("ada").joined());
}

}  // namespace
}  // namespace keymast::server
