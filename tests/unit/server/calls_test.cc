// SPDX-License-Identifier: Apache-2.0
// Every call once with what is right and with what is wrong: channels, subscribers, headends.
#include <cstring>

#include "served.h"

namespace keymast::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

std::vector<std::string> FieldsOf(const core::CoreError& error) {
  std::vector<std::string> fields;
  for (const core::Violation& violation : error.violations()) {
    fields.push_back(violation.field());
    EXPECT_FALSE(violation.description().empty()) << violation.field();
  }
  return fields;
}

class CallsTest : public Served {};

// Filled puts `name` where a percent sign stands.
std::string Filled(std::string text, std::string_view name) {
  for (size_t at = text.find('%'); at != std::string::npos; at = text.find('%')) {
    text.replace(at, 1, name);
  }
  return text;
}

const char kNews[] = R"(
  channel_id: "news"
  channel { display_name: "News" multicast { group: "239.255.42.1" ttl: 2 }
            streams { media: "video" port: 5004 ssrc: 7 payload_type: 96 rtpmap: "H264/90000" }
            key_domain: "262f01" key_group: 9 })";

core::CoreRequest CreateNews(const std::string& more = {}) {
  return Ask("create_channel {" + std::string(kNews) + more + "}");
}

TEST_F(CallsTest, CreatesAndGetsAChannel) {
  const v1::Channel made = Must(CreateNews()).channel();
  EXPECT_EQ(made.name(), "channels/news");
  EXPECT_THAT(made.etag(), StartsWith("\"1-"));
  EXPECT_EQ(made.key_state().active().mtk_id(), 1U);
  EXPECT_NE(made.sdp().find("m=video 5004"), std::string::npos);
  const v1::Channel got = Must(R"(get_channel { name: "channels/news" })").channel();
  EXPECT_EQ(got.SerializeAsString(), made.SerializeAsString());
}

TEST_F(CallsTest, AChannelThatIsOnlyCheckedIsNotMade) {
  const v1::Channel checked = Must(CreateNews("validate_only: true")).channel();
  EXPECT_EQ(checked.name(), "channels/news");
  EXPECT_FALSE(checked.has_create_time());
  EXPECT_EQ(checked.etag(), "");
  EXPECT_EQ(Refused(R"(get_channel { name: "channels/news" })").reason(), "not_found");
  EXPECT_THAT(store_.batches(), IsEmpty());
  Must(CreateNews());
  EXPECT_EQ(Refused(CreateNews("validate_only: true")).reason(), "already_exists");
}

TEST_F(CallsTest, EveryWrongFieldOfAChannelIsNamed) {
  const core::CoreError error = Refused(R"(create_channel { channel_id: "News"
      channel { multicast { group: "10.0.0.1x" ttl: 300 } key_domain: "26" key_group: 70000 } })");
  EXPECT_EQ(error.reason(), "invalid_argument");
  EXPECT_THAT(FieldsOf(error),
              UnorderedElementsAre("channel_id", "channel.multicast.group", "channel.multicast.ttl",
                                   "channel.key_domain", "channel.key_group"));
}

TEST_F(CallsTest, AChannelIsNotMadeTwice) {
  Must(CreateNews());
  const core::CoreError error = Refused(CreateNews());
  EXPECT_EQ(error.reason(), "already_exists");
  EXPECT_EQ(error.resource(), "channels/news");
}

TEST_F(CallsTest, UpdatesAChannelWithItsEtag) {
  const std::string first = Must(CreateNews()).channel().etag();
  const auto update = [](const std::string& etag, const std::string& more = {}) {
    return Ask("update_channel { channel { name: \"channels/news\" display_name: \"New\" etag: '" +
               etag + "' } " + more + "}");
  };
  EXPECT_EQ(Refused(update("\"2\"")).reason(), "etag_mismatch");
  EXPECT_EQ(Refused(update("nonsense")).reason(), "etag_mismatch");
  const v1::Channel checked = Must(update(first, "validate_only: true")).channel();
  EXPECT_EQ(checked.display_name(), "New");
  EXPECT_NE(checked.sdp().find("s=New\r\n"), std::string::npos);
  EXPECT_EQ(checked.etag(), first);
  EXPECT_EQ(Must(R"(get_channel { name: "channels/news" })").channel().display_name(), "News");
  const v1::Channel updated = Must(update(first)).channel();
  EXPECT_EQ(updated.display_name(), "New");
  EXPECT_THAT(updated.etag(), StartsWith("\"2-"));
  EXPECT_THAT(Must(update("")).channel().etag(), StartsWith("\"3-"));
}

TEST_F(CallsTest, AnEtagIsOfNoOtherResourceOfItsName) {
  const std::string before = Must(CreateNews()).channel().etag();
  Must(R"(delete_channel { name: "channels/news" })");
  clock_.now += seconds(1);
  const std::string after = Must(CreateNews()).channel().etag();
  EXPECT_NE(after, before);
  const auto deletion = [](const std::string& etag) {
    return Ask("delete_channel { name: \"channels/news\" etag: '" + etag + "' }");
  };
  EXPECT_EQ(Refused(deletion(before)).reason(), "etag_mismatch");
  Must(deletion(after));
}

TEST_F(CallsTest, WhatIsFixedOfAChannelIsNotChangedByAnUpdate) {
  const v1::Channel made = Must(CreateNews()).channel();
  core::CoreRequest update;
  v1::Channel& channel = *update.mutable_update_channel()->mutable_channel();
  channel = made;
  channel.clear_etag();
  channel.mutable_multicast()->set_mtk_port(0);  // the default, as it is
  channel.set_key_domain("262F01");
  Must(update);
  channel.mutable_multicast()->set_ttl(3);
  channel.mutable_streams(0)->set_port(5006);
  channel.set_key_domain("262f02");
  channel.set_key_group(10);
  channel.set_srtp_profile(v1::AEAD_AES_256_GCM);
  const core::CoreError error = Refused(update);
  EXPECT_EQ(error.reason(), "invalid_argument");
  EXPECT_THAT(FieldsOf(error),
              UnorderedElementsAre("channel.multicast", "channel.streams", "channel.key_domain",
                                   "channel.key_group", "channel.srtp_profile"));
}

TEST_F(CallsTest, ADefaultIsThatOfTheChannelsAddressFamily) {
  Must(Ask(R"(create_channel { channel_id: "six"
      channel { multicast { group: "ff15::1" }
                streams { media: "video" port: 5004 ssrc: 7 payload_type: 96 rtpmap: "H264/90000" }
                key_domain: "262f01" key_group: 9 policy { max_datagram: 600 } } })"));
  const auto updated = Must(R"(update_channel { channel { name: "channels/six" }
                                                      update_mask { paths: "policy" } })")
                           .channel();
  EXPECT_EQ(updated.policy().max_datagram(), 1232U);
}

TEST_F(CallsTest, TheLogSaysWhoAskedForAChange) {
  core::CoreRequest create = CreateNews();
  create.set_principal("operator:alice.example.org");
  core::CoreRequest read = Ask(R"(get_channel { name: "channels/news" })");
  read.set_principal("viewer");
  testing::internal::CaptureStderr();
  Must(create);
  Must(read);
  Pass(seconds(60));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, testing::ContainsRegex(
                       "\"change\".*\"channels/news\".*\"by\":\"operator:alice.example.org\""));
  EXPECT_THAT(log, testing::ContainsRegex("\"rekey\".*\"CREATED\".*\"by\":\"operator:alice"));
  EXPECT_THAT(log, testing::ContainsRegex("\"rekey\".*\"SCHEDULE\".*\"by\":\"\""));
  EXPECT_THAT(log, testing::Not(testing::HasSubstr("viewer")));
}

TEST_F(CallsTest, APolicyIsCheckedAsAWhole) {
  Must(CreateNews());
  const core::CoreError error = Refused(R"(update_channel { channel {
      name: "channels/news" policy { mtk_period { seconds: 2 } mtk_lead { seconds: 3 } } } })");
  EXPECT_EQ(error.resource(), "channels/news");
  EXPECT_THAT(FieldsOf(error), testing::Contains("channel.policy.mtk_lead"));
}

TEST_F(CallsTest, DeletesAChannel) {
  Must(CreateNews());
  AddMember("news", "ada");
  EXPECT_EQ(Refused(R"(delete_channel { name: "channels/news" })").reason(), "failed_precondition");
  EXPECT_EQ(
      Refused(R"(delete_channel { name: "channels/news" etag: "\"9\"" force: true })").reason(),
      "etag_mismatch");
  EXPECT_TRUE(Must(R"(delete_channel { name: "channels/news" force: true })").has_delete_channel());
  EXPECT_EQ(Refused(R"(get_channel { name: "channels/news" })").reason(), "not_found");
}

// What has the form of a name is not there; what has not is a wrong field.
TEST_F(CallsTest, NamesHaveTheFormOfTheirKind) {
  struct Case {
    const char* text;
    const char* field;
    const char* form;
  };
  const char kChannel[] = "channels/CHANNEL";
  const char kMember[] = "channels/CHANNEL/members/SUBSCRIBER";
  for (
      const auto& [text, field, form] :
      {Case{R"(get_channel { name: "%" })", "name", kChannel},
       Case{R"(get_subscriber { name: "%" })", "name", "subscribers/SUBSCRIBER"},
       Case{R"(get_headend { name: "%" })", "name", "headends/HEADEND"},
       Case{R"(get_member { name: "%" })", "name", kMember},
       Case{R"(get_operation { name: "%" })", "name", "operations/OPERATION"},
       Case{R"(get_rekey { name: "%" })", "name", "channels/CHANNEL/rekeys/NUMBER"},
       Case{R"(get_rekey_schedule { name: "%" })", "name",
            "channels/CHANNEL/rekeySchedules/SCHEDULE"},
       Case{R"(get_backup { name: "%" })", "name", "backups/BACKUP"},
       Case{R"(batch_get_channels { names: "%" })", "names[0]", kChannel},
       Case{R"(batch_get_members { parent: "%" names: "%/members/ada" })", "parent", kChannel},
       Case{R"(delete_channel { name: "%" })", "name", kChannel},
       Case{R"(delete_subscriber { name: "%" })", "name", "subscribers/SUBSCRIBER"},
       Case{R"(batch_delete_subscribers { names: "%" })", "names[0]", "subscribers/SUBSCRIBER"},
       Case{R"(delete_headend { name: "%" })", "name", "headends/HEADEND"},
       Case{R"(update_channel { channel { name: "%" } })", "channel.name", kChannel},
       Case{R"(update_headend { headend { name: "%" } })", "headend.name", "headends/HEADEND"},
       Case{R"(update_subscriber { subscriber { name: "%" } })", "subscriber.name",
            "subscribers/SUBSCRIBER"},
       Case{R"(update_member { member { name: "%" msk_endpoint: "127.0.0.1:1" } })", "member.name",
            kMember},
       Case{R"(join_channel { name: "%" })", "name", kMember},
       Case{R"(leave_channel { name: "%" })", "name", kMember},
       Case{R"(list_members { parent: "%" })", "parent", kChannel},
       Case{R"(list_rekeys { parent: "%" })", "parent", kChannel},
       Case{R"(list_upcoming_rekeys { parent: "%" })", "parent", kChannel},
       Case{R"(plan_rekey { channel: "%" level: MTK })", "channel", kChannel},
       Case{R"(rekey_now { channel: "%" level: MTK })", "channel", kChannel},
       Case{
           R"(create_member { parent: "%" member_id: "ada" member { msk_endpoint: "127.0.0.1:1" } })",
           "parent", kChannel},
       Case{
           R"(batch_create_members { parent: "%" requests { member_id: "ada" member { msk_endpoint: "127.0.0.1:1" } } })",
           "parent", kChannel},
       Case{R"(expel_members { parent: "%" names: "%/members/ada" })", "parent", kChannel}}) {
    for (const std::string name :
         {"", "nonsense", "channels/", "channel/none", "channels/UPPER", "channels/none",
          "subscribers/none", "headends/none", "operations/none", "backups/none",
          "channels/none/members/none", "channels/none/members/", "channels/none/rekeys/1",
          "channels/none/rekeySchedules/none"}) {
      const std::string asked = Filled(text, name);
      const core::CoreError error = Refused(asked);
      std::string likened = form;
      for (const char* part :
           {"CHANNEL", "SUBSCRIBER", "HEADEND", "SCHEDULE", "OPERATION", "BACKUP"}) {
        const size_t at = likened.find(part);
        if (at != std::string::npos) likened.replace(at, std::strlen(part), "none");
      }
      const size_t number = likened.find("NUMBER");
      if (number != std::string::npos) likened.replace(number, 6, "1");
      if (name == likened) {
        EXPECT_EQ(error.reason(), "not_found") << asked;
        continue;
      }
      EXPECT_EQ(error.reason(), "invalid_argument") << asked;
      EXPECT_THAT(FieldsOf(error), testing::Contains(field)) << asked;
      EXPECT_THAT(error.message(), testing::HasSubstr(form)) << asked;
    }
  }
  EXPECT_EQ(Refused(R"(delete_channel { name: "channels/BAD" allow_missing: true })").reason(),
            "invalid_argument");
}

TEST_F(CallsTest, CreatesGetsAndDeletesASubscriber) {
  const v1::Subscriber made = Must(NewSubscriber("ada")).subscriber();
  EXPECT_EQ(made.name(), "subscribers/ada");
  EXPECT_EQ(made.identity(), "ada@example.org");
  EXPECT_TRUE(made.sealed_credential().empty());
  EXPECT_THAT(Must(R"(get_subscriber { name: "subscribers/ada" })").subscriber().etag(),
              StartsWith("\"1-"));
  EXPECT_EQ(Refused(NewSubscriber("ada")).reason(), "already_exists");
  Must(R"(delete_subscriber { name: "subscribers/ada" })");
  EXPECT_EQ(Refused(R"(get_subscriber { name: "subscribers/ada" })").resource(), "subscribers/ada");
}

TEST_F(CallsTest, ASubscriberNeedsNoUserKey) {
  core::CoreRequest request = NewSubscriber("ada");
  EXPECT_TRUE(Must(request).subscriber().has_user_key());
  for (const char* id : {"bob", "eve"}) {
    request = NewSubscriber(id);
    request.mutable_create_subscriber()->mutable_subscriber()->clear_sealed_credential();
    EXPECT_FALSE(Must(request).subscriber().has_user_key());
  }
  const auto listed = Must("list_subscribers { filter: 'NOT has_user_key' }").list_subscribers();
  EXPECT_EQ(listed.subscribers_size(), 2);
  Must(CreateNews());
  const v1::Member member = Must(R"(create_member { parent: "channels/news" member_id: "bob"
                              member { msk_endpoint: "127.0.0.1:9" } })")
                                .member();
  EXPECT_EQ(member.delivery(), v1::ON_REQUEST);
  EXPECT_EQ(member.reachability(), v1::IDLE);
}

TEST_F(CallsTest, ACredentialMustBeSealedForThisSubscriber) {
  core::CoreRequest request = NewSubscriber("ada");
  request.mutable_create_subscriber()->set_subscriber_id("eve");
  const core::CoreError error = Refused(request);
  EXPECT_EQ(error.reason(), "invalid_argument");
  EXPECT_THAT(FieldsOf(error), ElementsAre("subscriber.sealed_credential"));
}

TEST_F(CallsTest, AFieldOfASingleRequestIsNamedWithoutABatch) {
  core::CoreRequest request = NewSubscriber("ada", 256);
  EXPECT_THAT(FieldsOf(Refused(request)), ElementsAre("subscriber.identity"));
  Must(CreateNews());
  Must(NewSubscriber("bob"));
  EXPECT_THAT(FieldsOf(Refused(R"(create_member { parent: "channels/news" member_id: "bob"
                  member { msk_endpoint: "127.0.0.1:2271" entitlement_start { seconds: 9 }
                           entitlement_end { seconds: 8 } } })")),
              ElementsAre("member.entitlement_end"));
}

TEST_F(CallsTest, ASubscriberThatIsOnlyCheckedIsNotMade) {
  core::CoreRequest request = NewSubscriber("ada");
  request.mutable_create_subscriber()->set_validate_only(true);
  EXPECT_EQ(Must(request).subscriber().name(), "subscribers/ada");
  EXPECT_EQ(StatusOf().subscriber_count(), 0U);
}

TEST_F(CallsTest, ASubscriberThatIsAMemberIsDeletedByForce) {
  Must(CreateNews());
  AddMember("news", "ada");
  EXPECT_EQ(Refused(R"(delete_subscriber { name: "subscribers/ada" })").reason(),
            "failed_precondition");
  Must(R"(delete_subscriber { name: "subscribers/ada" force: true })");
  EXPECT_EQ(StatusOf().member_count(), 0U);
}

TEST_F(CallsTest, ABatchHas1To1000Subscribers) {
  const core::CoreReply reply = Must(NewSubscribers(1000));
  EXPECT_EQ(reply.batch_create_subscribers().subscribers_size(), 1000);
  EXPECT_EQ(reply.batch_create_subscribers().subscribers(999).name(), "subscribers/s999");
  for (const core::CoreRequest& request :
       {NewSubscribers(1001), Ask("batch_create_subscribers {}")}) {
    const core::CoreError error = Refused(request);
    EXPECT_EQ(error.reason(), "invalid_argument");
    EXPECT_THAT(FieldsOf(error), ElementsAre("requests"));
  }
  EXPECT_EQ(StatusOf().subscriber_count(), 1000U);
}

TEST_F(CallsTest, ABatchIsMadeAsAWholeOrNotAtAll) {
  Must(NewSubscriber("s2"));
  EXPECT_EQ(Refused(NewSubscribers(4)).resource(), "subscribers/s2");
  core::CoreRequest wrong = NewSubscribers(2);
  wrong.mutable_batch_create_subscribers()->mutable_requests(1)->set_subscriber_id("S1");
  EXPECT_THAT(FieldsOf(Refused(wrong)), testing::Contains("requests[1].subscriber_id"));
  EXPECT_EQ(StatusOf().subscriber_count(), 1U);
}

// Otherwise one who only wanted to check would have made them.
TEST_F(CallsTest, ABatchWithACheckInItIsRefused) {
  core::CoreRequest request = NewSubscribers(2);
  request.mutable_batch_create_subscribers()->mutable_requests(1)->set_validate_only(true);
  EXPECT_THAT(FieldsOf(Refused(request)), ElementsAre("requests[1].validate_only"));
  EXPECT_EQ(StatusOf().subscriber_count(), 0U);
}

TEST_F(CallsTest, CreatesGetsAndDeletesAHeadend) {
  Must(CreateNews());
  AddHeadend("north", "news");
  const v1::Headend headend = Must(R"(get_headend { name: "headends/north" })").headend();
  EXPECT_THAT(headend.channels(), ElementsAre("channels/news"));
  EXPECT_FALSE(headend.connected());
  EXPECT_THAT(headend.etag(), StartsWith("\"1-"));
  const v1::Headend checked = Must(R"(update_headend { headend { name: "headends/north" }
                               update_mask { paths: "channels" } validate_only: true })")
                                  .headend();
  EXPECT_THAT(checked.channels(), IsEmpty());
  EXPECT_EQ(Must(R"(get_headend { name: "headends/north" })").headend().SerializeAsString(),
            headend.SerializeAsString());
  Must(R"(delete_headend { name: "headends/north" })");
  EXPECT_EQ(Refused(R"(get_headend { name: "headends/north" })").reason(), "not_found");
}

TEST_F(CallsTest, AWrongHeadendIsRefused) {
  core::CoreRequest request = Ask(R"(create_headend { headend_id: "9" headend {
      public_key: "short" channels: "channels/news" channels: "news" } })");
  EXPECT_THAT(FieldsOf(Refused(request)),
              ElementsAre("headend_id", "headend.public_key", "headend.channels[1]"));
  request = Ask(R"(create_headend { headend_id: "north" headend { channels: "channels/none" } })");
  request.mutable_create_headend()->mutable_headend()->set_public_key(std::string(32, '\0'));
  EXPECT_THAT(FieldsOf(Refused(request)), ElementsAre("headend.public_key"));
  const crypto::KeyPair key = crypto::MakeKeyPair(rng_);
  request.mutable_create_headend()->mutable_headend()->set_public_key(
      std::string(AsText(key.public_key)));
  EXPECT_EQ(Refused(request).resource(), "channels/none");
  request.mutable_create_headend()->mutable_headend()->clear_channels();
  request.mutable_create_headend()->set_validate_only(true);
  EXPECT_EQ(Must(request).headend().name(), "headends/north");
  EXPECT_EQ(Must("list_headends {}").list_headends().headends_size(), 0);
}

TEST_F(CallsTest, TwoHeadendsDoNotSendWithOneSsrc) {
  Must(CreateNews());
  AddHeadend("north", "news");
  core::CoreRequest request =
      Ask(R"(create_headend { headend_id: "south" headend { channels: "channels/news" } })");
  const crypto::KeyPair key = crypto::MakeKeyPair(rng_);
  request.mutable_create_headend()->mutable_headend()->set_public_key(
      std::string(AsText(key.public_key)));
  EXPECT_EQ(Refused(request).reason(), "ssrc_in_use");
}

TEST_F(CallsTest, RekeysNow) {
  Must(CreateNews());
  const v1::Rekey mtk = Must(R"(rekey_now { channel: "channels/news" level: MTK })").rekey();
  EXPECT_EQ(mtk.level(), v1::MTK);
  EXPECT_EQ(mtk.reason(), v1::OPERATOR);
  EXPECT_EQ(mtk.mtk_id(), 2U);
  EXPECT_EQ(Must(R"(rekey_now { channel: "channels/news" level: MSK })").rekey().level(), v1::MSK);
  EXPECT_THAT(FieldsOf(Refused(R"(rekey_now { channel: "channels/news" })")), ElementsAre("level"));
}

TEST_F(CallsTest, TellsItsStatus) {
  Must(CreateNews());
  AddMember("news", "ada");
  Pass(seconds(3));
  const v1::ServerStatus status = StatusOf();
  EXPECT_EQ(status.identity(), "bmsc@example.org");
  EXPECT_EQ(status.version(), KEYMAST_VERSION);
  EXPECT_EQ(status.import_public_key(), AsText(import_key_.public_key));
  EXPECT_EQ(status.incarnation(), 3U);
  EXPECT_EQ(status.epoch(), 5U);
  EXPECT_EQ(status.possibly_lost_commits(), 2U);
  EXPECT_EQ(status.store_state(), v1::OPEN);
  EXPECT_EQ(status.channel_count(), 1U);
  EXPECT_EQ(status.subscriber_count(), 1U);
  EXPECT_EQ(status.member_count(), 1U);
  EXPECT_EQ(status.uptime().seconds(), 3);
}

TEST_F(CallsTest, TheStateHashFollowsTheState) {
  const std::string empty = Must("state_hash {}").state_hash().hash();
  EXPECT_EQ(empty.size(), 32U);
  EXPECT_EQ(Must("state_hash {}").state_hash().hash(), empty);
  Must(NewSubscriber("ada"));
  EXPECT_NE(Must("state_hash {}").state_hash().hash(), empty);
}

}  // namespace
}  // namespace keymast::server
