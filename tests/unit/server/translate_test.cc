// SPDX-License-Identifier: Apache-2.0
#include "server/translate.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "server/names.h"

namespace keymast::server {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::Field;

template <class Message>
Message Text(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

v1::CreateChannelRequest Sports() {
  return Text<v1::CreateChannelRequest>(R"(
    channel_id: "sports"
    channel {
      display_name: "Sports 1"
      multicast { group: "239.255.42.1" interface_address: "127.0.0.1" ttl: 3 dscp: 46 }
      streams { media: "video" port: 5004 ssrc: 7 payload_type: 96 rtpmap: "H264/90000"
                initial_sequence: 65000 }
      streams { media: "audio" port: 5006 ssrc: 8 payload_type: 97 rtpmap: "opus/48000/2" }
      key_domain: "262f01"
      key_group: 9
      srtp_profile: AEAD_AES_256_GCM
      policy { mtk_period { seconds: 2 } mtk_lead { seconds: 1 }
               mtk_repetition { nanos: 250000000 } leave_policy: BATCHED mtk_ids_per_msk: 100 }
    })");
}

controller::Controller Empty(crypto::Rng& rng) {
  return controller::Controller({"bmsc@example.org", {}}, {}, rng, crypto::DefaultSuite());
}

auto Violates(const std::string& field) { return Contains(Field(&FieldViolation::field, field)); }

TEST(TranslateChannel, ReadsWhatIsGiven) {
  const auto command = FromProto(Sports());
  ASSERT_TRUE(command) << command.error().message;
  const groups::Channel& channel = command->channel;
  EXPECT_EQ(channel.id.value, "sports");
  EXPECT_EQ(ToString(channel.multicast.mtk), "239.255.42.1:2269");
  EXPECT_EQ(channel.multicast.ttl, 3);
  EXPECT_EQ(channel.multicast.dscp, 46);
  ASSERT_EQ(channel.streams.size(), 2U);
  EXPECT_EQ(channel.streams[0].initial_sequence, 65000);
  EXPECT_FALSE(channel.streams[1].initial_sequence);
  EXPECT_EQ(channel.profile, SrtpProfile::kAeadAes256Gcm);
  EXPECT_EQ(channel.policy.mtk_period, 2s);
  EXPECT_EQ(channel.policy.mtk_repetition, 250ms);
  EXPECT_EQ(channel.policy.leave, groups::LeavePolicy::kBatched);
  EXPECT_EQ(channel.policy.mtk_ids_per_msk, 100);
}

TEST(TranslateChannel, UnsetPolicyFieldsTakeTheirDefaults) {
  const auto command = FromProto(Sports());
  ASSERT_TRUE(command);
  const groups::KeyPolicy defaults;
  EXPECT_EQ(command->channel.policy.msk_period, defaults.msk_period);
  EXPECT_EQ(command->channel.policy.max_datagram, 1400);
  v1::CreateChannelRequest ipv6 = Sports();
  ipv6.mutable_channel()->mutable_multicast()->set_group("ff15::1");
  EXPECT_EQ(FromProto(ipv6)->channel.policy.max_datagram, 1232);
}

TEST(TranslateChannel, ComesBackAsItWasGiven) {
  crypto::SeededRng rng(1);
  const controller::Controller controller = Empty(rng);
  const auto command = FromProto(Sports());
  ASSERT_TRUE(command);
  rekey::ChannelState state;
  state.channel = command->channel;
  state.channel.revision = 4;
  const v1::Channel message = ToProto(controller, state);
  EXPECT_EQ(message.name(), "channels/sports");
  EXPECT_EQ(message.etag(), EtagOf({4, state.channel.created}));
  EXPECT_EQ(message.multicast().mtk_port(), 2269U);
  v1::CreateChannelRequest again;
  again.set_channel_id("sports");
  *again.mutable_channel() = message;
  const auto second = FromProto(again);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->channel.policy, command->channel.policy);
  EXPECT_EQ(second->channel.streams, command->channel.streams);
  EXPECT_EQ(second->channel.multicast, command->channel.multicast);
  EXPECT_EQ(second->channel.profile, command->channel.profile);
}

struct BadField {
  const char* merge;
  const char* field;
};
class BadChannel : public testing::TestWithParam<BadField> {};
TEST_P(BadChannel, NamesTheFieldByItsPath) {
  v1::CreateChannelRequest request = Sports();
  request.mutable_channel()->clear_streams();
  request.MergeFrom(Text<v1::CreateChannelRequest>(GetParam().merge));
  const auto command = FromProto(request);
  ASSERT_FALSE(command);
  EXPECT_EQ(command.error().error, Error::kInvalidArgument);
  EXPECT_THAT(command.error().violations, Violates(GetParam().field));
}
INSTANTIATE_TEST_SUITE_P(
    Each, BadChannel,
    testing::Values(
        BadField{"channel_id: 'Sports'", "channel_id"},
        BadField{"channel { multicast { group: 'nowhere' } }", "channel.multicast.group"},
        BadField{"channel { multicast { mtk_port: 65536 } }", "channel.multicast.mtk_port"},
        BadField{"channel { multicast { interface_address: 'eth0' } }",
                 "channel.multicast.interface_address"},
        BadField{"channel { multicast { ttl: 256 } }", "channel.multicast.ttl"},
        BadField{"channel { multicast { sources: '127.0.0.1' sources: 'eth0' } }",
                 "channel.multicast.sources[1]"},
        BadField{"channel { multicast { dscp: 256 } }", "channel.multicast.dscp"},
        BadField{"channel { streams { port: 70000 } }", "channel.streams[0].port"},
        BadField{"channel { streams {} streams { payload_type: 300 } }",
                 "channel.streams[1].payload_type"},
        BadField{"channel { streams { initial_sequence: 65536 } }",
                 "channel.streams[0].initial_sequence"},
        BadField{"channel { key_domain: '262f0' }", "channel.key_domain"},
        BadField{"channel { key_domain: '262fxx' }", "channel.key_domain"},
        BadField{"channel { key_group: 65536 }", "channel.key_group"},
        BadField{"channel { policy { mtk_period { seconds: -1 } } }", "channel.policy.mtk_period"},
        BadField{"channel { policy { msk_lead { seconds: 315576000000 } } }",
                 "channel.policy.msk_lead"},
        BadField{"channel { policy { mtk_ids_per_msk: 65536 } }", "channel.policy.mtk_ids_per_msk"},
        BadField{"channel { policy { max_datagram: 65536 } }", "channel.policy.max_datagram"}));

TEST(TranslateChannel, OfTooManySourcesTheRestIsNotRead) {
  v1::CreateChannelRequest many = Sports();
  for (int i = 0; i < 100'000; ++i) many.mutable_channel()->mutable_multicast()->add_sources("");
  const auto refused = FromProto(many);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().violations.size(), groups::kMaxSources + 1);
}

TEST(TranslateChannel, TellsAllThatIsWrongAtOnce) {
  v1::CreateChannelRequest request;
  const auto command = FromProto(request);
  ASSERT_FALSE(command);
  EXPECT_THAT(command.error().violations, Violates("channel_id"));
  EXPECT_THAT(command.error().violations, Violates("channel.multicast.group"));
  EXPECT_THAT(command.error().violations, Violates("channel.key_domain"));
}

TEST(TranslateValues, EtagsAreVersions) {
  EXPECT_EQ(VersionOf(""), std::nullopt);
  for (const groups::Version& version :
       {groups::Version{7, FromUnixNanos(1'800'000'000'000'000'001)},
        groups::Version{UINT64_MAX, FromUnixNanos(-1)}, groups::Version{1, {}}}) {
    EXPECT_EQ(VersionOf(EtagOf(version)), version);
  }
  for (const char* foreign :
       {"7", "7-8", "\"\"", "\"", "-", "\"-", "\"x\"", "\"7\"", "\"07-8\"", "\"7-08\"", "\"7-8",
        "\"-7-8\"", "\"7-8\" ", "\"7-\"", "\"7-99999999999999999999\"", "W/\"7-8\""}) {
    EXPECT_EQ(VersionOf(foreign), groups::Version{}) << foreign;
  }
}

TEST(TranslateValues, InstantsKeepTheirNanoseconds) {
  for (const int64_t nanos : {0L, 1L, -1L, 1'700'000'000'123'456'789L, -1'500'000'000L}) {
    Violations violations;
    const auto timestamp = ToProto(FromUnixNanos(nanos));
    EXPECT_GE(timestamp.nanos(), 0);
    EXPECT_EQ(ToUnixNanos(FromProto(timestamp, "f", violations)), nanos);
    EXPECT_TRUE(violations.empty());
  }
}

TEST(TranslateValues, MskIdsAreEightDigits) {
  EXPECT_EQ(ToProto(MskId{KeyGroup(9), KeyNumber(0x1ab)}), "000901ab");
}

TEST(TranslateNames, OnlyNamesOfResourcesAreRead) {
  EXPECT_EQ(ChannelOf("channels/a")->value, "a");
  EXPECT_EQ(SubscriberOf("subscribers/b-2")->value, "b-2");
  EXPECT_EQ(HeadendOf("headends/c")->value, "c");
  EXPECT_EQ(MemberOf("channels/a/members/b")->channel.value, "a");
  EXPECT_EQ(MemberOf("channels/a/members/b")->subscriber.value, "b");
  for (const char* name : {"", "a", "channels/", "channels/A", "channels/a/", "channel/a",
                           "channels/a/members/b", "/channels/a"}) {
    EXPECT_FALSE(ChannelOf(name)) << name;
  }
  for (const char* name : {"channels/a", "channels/a/members/", "channels//members/b",
                           "channels/a/members/b/members/c", "subscribers/b"}) {
    EXPECT_FALSE(MemberOf(name)) << name;
  }
}

class SealedCredential : public testing::Test {
 protected:
  v1::CreateSubscriberRequest Request(size_t key_size, const std::string& sealed_for = "alice") {
    const Bytes key(key_size, 0x5a);
    v1::CreateSubscriberRequest request;
    request.set_subscriber_id("alice");
    request.mutable_subscriber()->set_identity("alice@example.org");
    const auto box = crypto::SealBox(
        import_key_.public_key, crypto::kUserKeyPurpose,
        crypto::UserKeyAad(SubscriberId(sealed_for), "alice@example.org"), key, rng_);
    request.mutable_subscriber()->set_sealed_credential(std::string(AsText(*box)));
    return request;
  }
  crypto::SeededRng rng_{1};
  const crypto::KeyPair import_key_ = crypto::MakeKeyPair(rng_);
};

TEST_F(SealedCredential, IsOpenedWithTheImportKey) {
  for (const size_t size : {16U, 24U, 32U}) {
    const auto subscriber = FromProto(Request(size), import_key_);
    ASSERT_TRUE(subscriber) << subscriber.error().message;
    EXPECT_EQ(subscriber->user_key.size(), size);
    EXPECT_EQ(subscriber->identity, "alice@example.org");
  }
}

TEST_F(SealedCredential, IsRefusedForAnybodyElse) {
  const auto subscriber = FromProto(Request(16, "bob"), import_key_, "requests[3].");
  ASSERT_FALSE(subscriber);
  EXPECT_THAT(subscriber.error().violations, Violates("requests[3].subscriber.sealed_credential"));
  const auto other = crypto::MakeKeyPair(rng_);
  EXPECT_FALSE(FromProto(Request(16), other));
}

TEST_F(SealedCredential, IsBoundToNamesAlone) {
  for (const size_t size : {0U, 256U, 65'535U, 65'536U, 1'000'000U}) {
    auto request = Request(16);
    request.mutable_subscriber()->set_identity(std::string(size, 'a'));
    EXPECT_THAT(FromProto(request, import_key_).error().violations,
                Violates("subscriber.identity"));
    request = Request(16);
    request.set_subscriber_id(std::string(size, 'a'));
    EXPECT_THAT(FromProto(request, import_key_).error().violations, Violates("subscriber_id"));
  }
}

TEST(TranslateMember, TakesThePortsOfTheProfileWhereNoneIsGiven) {
  mikey::Profile3gpp profile;
  profile.msk_port = 7;
  profile.mtk_port = 8;
  for (const auto& [text, expected] : {std::pair("192.0.2.7", "192.0.2.7:7"),
                                       {"2001:db8::1", "[2001:db8::1]:7"},
                                       {"192.0.2.7:9", "192.0.2.7:9"}}) {
    v1::CreateMemberRequest request;
    request.set_member_id("alice");
    request.mutable_member()->set_msk_endpoint(text);
    const auto member = FromProto(request, profile);
    ASSERT_TRUE(member) << text;
    EXPECT_EQ(ToString(member->member.msk_endpoint), expected);
  }
  v1::CreateChannelRequest channel;
  channel.mutable_channel()->mutable_multicast()->set_group("239.255.42.1");
  channel.set_channel_id("a");
  channel.mutable_channel()->set_key_domain("262f01");
  const auto created = FromProto(channel, profile);
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(created->channel.multicast.mtk.port, 8);
}

TEST_F(SealedCredential, MustHoldAUserKey) {
  for (const size_t size : {0U, 15U, 33U, 64U}) {
    EXPECT_FALSE(FromProto(Request(size), import_key_)) << size;
  }
}

TEST(TranslateMember, ReadsWindowAndEndpoint) {
  const auto member = FromProto(Text<v1::CreateMemberRequest>(R"(
    parent: "channels/a" member_id: "alice" join: true
    member { msk_endpoint: "192.0.2.7:2271" entitlement_end { seconds: 2000000000 } })"));
  ASSERT_TRUE(member) << member.error().message;
  EXPECT_TRUE(member->join);
  EXPECT_EQ(member->member.entitled_from, Instant::min());
  EXPECT_EQ(member->member.entitled_until, FromUnixNanos(2'000'000'000'000'000'000));
  EXPECT_EQ(ToString(member->member.msk_endpoint), "192.0.2.7:2271");
}

TEST(TranslateMember, ComesBackAsItWasGiven) {
  crypto::SeededRng rng(1);
  groups::Member member;
  member.subscriber = SubscriberId("alice");
  member.msk_endpoint = *ParseEndpoint("192.0.2.7:2271");
  member.confirmed = {KeyGroup(1), KeyNumber(2)};
  const v1::Member message = ToProto(Empty(rng), ChannelId("a"), member);
  EXPECT_EQ(message.name(), "channels/a/members/alice");
  EXPECT_FALSE(message.has_entitlement_start());
  EXPECT_FALSE(message.has_entitlement_end());
  EXPECT_EQ(message.confirmed_msk_id(), "00010002");
  EXPECT_EQ(message.reachability(), v1::IDLE);
}

TEST(TranslateMember, NamesTheFieldOfABatch) {
  const auto member =
      FromProto(Text<v1::CreateMemberRequest>("member_id: 'alice'"), {}, "requests[1].");
  ASSERT_FALSE(member);
  EXPECT_THAT(member.error().violations, Violates("requests[1].member.msk_endpoint"));
}

TEST(TranslateMember, ExpulsionTakesMembersOfItsChannelAlone) {
  const auto fine = FromProto(Text<v1::ExpelMembersRequest>(
      "parent: 'channels/a' names: 'channels/a/members/x' names: 'channels/a/members/y'"));
  ASSERT_TRUE(fine);
  EXPECT_EQ(fine->subscribers.size(), 2U);
  const auto foreign = FromProto(Text<v1::ExpelMembersRequest>(
      "parent: 'channels/a' names: 'channels/a/members/x' names: 'channels/b/members/y'"));
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().violations, Violates("names[1]"));
  EXPECT_THAT(FromProto(Text<v1::ExpelMembersRequest>("parent: 'x'")).error().violations,
              Violates("parent"));
}

TEST(TranslateHeadend, PublicKeysHave32Octets) {
  v1::CreateHeadendRequest request;
  request.set_headend_id("one");
  request.mutable_headend()->add_channels("channels/a");
  for (const size_t size : {0U, 31U, 33U}) {
    request.mutable_headend()->set_public_key(std::string(size, 'k'));
    EXPECT_THAT(FromProto(request).error().violations, Violates("headend.public_key")) << size;
  }
  request.mutable_headend()->set_public_key(std::string(32, 'k'));
  ASSERT_TRUE(FromProto(request));
  request.mutable_headend()->add_channels("a");
  EXPECT_THAT(FromProto(request).error().violations, Violates("headend.channels[1]"));
}

TEST(TranslateHeadend, ReportsLeaveOutWhatCannotBe) {
  const auto report = FromProto(HeadendId("one"), Text<v1::HeadendReport>(R"(
    positions { channel: "channels/a" msk_id: 65538 mtk_id: 3 ssrc: 7 index: 281474976710655 }
    positions { channel: "channels/a" msk_id: 65538 mtk_id: 3 ssrc: 7 index: 281474976710656 }
    positions { channel: "a" msk_id: 1 mtk_id: 3 ssrc: 7 index: 1 }
    positions { channel: "channels/a" msk_id: 1 mtk_id: 0 ssrc: 7 index: 1 }
    held { channel: "channels/a" msk_id: 65538 mtk_id: 65535 }
    held { channel: "channels/a" msk_id: 65538 mtk_id: 65536 }
    kept { channel: "channels/a" create_time { seconds: 1 nanos: 2 } ssrc: 7 end: 281474976710656 }
    kept { channel: "channels/a" create_time { nanos: -2 } ssrc: 7 end: 1 }
    kept { channel: "channels/a" ssrc: 7 end: 281474976710657 })"));
  ASSERT_EQ(report.positions.size(), 1U);
  EXPECT_EQ(report.positions[0].position.index.value, (uint64_t{1} << 48) - 1);
  EXPECT_EQ(report.positions[0].position.msk, (MskId{KeyGroup(1), KeyNumber(2)}));
  ASSERT_EQ(report.held.size(), 1U);
  EXPECT_EQ(report.held[0].mtk.value, 65535);
  ASSERT_EQ(report.kept.size(), 1U);
  EXPECT_EQ(report.kept[0].end.value, uint64_t{1} << 48);
  EXPECT_EQ(report.kept[0].created, FromUnixNanos(1'000'000'002));
}

TEST(TranslateRekey, NeedsALevel) {
  EXPECT_TRUE(FromProto(Text<v1::RekeyNowRequest>("channel: 'channels/a' level: MSK")));
  EXPECT_THAT(FromProto(Text<v1::RekeyNowRequest>("channel: 'channels/a'")).error().violations,
              Violates("level"));
}

TEST(TranslateRekey, EventsCarryTheirRekey) {
  controller::Event event;
  event.kind = controller::Event::Kind::kRekeyed;
  event.channel = ChannelId("a");
  event.rekey = rekey::Rekey{};
  event.rekey->sequence = 12;
  event.rekey->reason = rekey::RekeyReason::kExclusion;
  const v1::Event message = ToProto(event);
  EXPECT_EQ(message.kind(), v1::Event::REKEYED);
  EXPECT_EQ(message.rekey().name(), "channels/a/rekeys/12");
  EXPECT_EQ(message.rekey().reason(), v1::EXCLUSION);
}

}  // namespace
}  // namespace keymast::server
