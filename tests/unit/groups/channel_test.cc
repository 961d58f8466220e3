// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "groups/group.h"

namespace keymast::groups {
namespace {

Channel Valid() {
  Channel channel;
  channel.id = ChannelId("news");
  channel.multicast.mtk = *ParseEndpoint("239.255.42.1:2269");
  Stream stream;
  stream.media = "video";
  stream.port = 5004;
  stream.ssrc = Ssrc(1);
  stream.payload_type = 96;
  stream.rtpmap = "H264/90000";
  channel.streams = {stream, stream};
  channel.streams[1].port = 5006;
  channel.streams[1].ssrc = Ssrc(2);
  channel.key_group = KeyGroup(1);
  return channel;
}

TEST(CheckChannel, TakesAChannel) { EXPECT_TRUE(CheckChannel(Valid()).empty()); }

TEST(CheckChannel, TakesIpv6) {
  Channel channel = Valid();
  channel.multicast.mtk = *ParseEndpoint("[ff15::42]:2269");
  channel.multicast.interface_address = "::1";
  EXPECT_TRUE(CheckChannel(channel).empty());
}

Channel OfSources(const char* group, std::vector<std::string> sources) {
  Channel channel = Valid();
  channel.multicast.mtk = *ParseEndpoint(group);
  for (const std::string& source : sources) {
    channel.multicast.sources.push_back(*ParseAddress(source));
  }
  if (!sources.empty()) channel.multicast.interface_address = sources[0];
  return channel;
}

TEST(CheckChannel, TakesSources) {
  EXPECT_TRUE(CheckChannel(OfSources("232.1.2.3:2269", {"192.0.2.1", "192.0.2.2"})).empty());
  EXPECT_TRUE(CheckChannel(OfSources("239.255.42.1:2269", {"192.0.2.1"})).empty())
      << "a group of any range may be joined by source";
  EXPECT_TRUE(CheckChannel(OfSources("[ff3e::8000:1]:2269", {"2001:db8::1"})).empty());
  EXPECT_TRUE(CheckNewChannel(OfSources("[ff3e:30:2001:db8::1]:2269", {})).empty())
      << "ff30::/12 beyond ff3x::/32 is for groups by prefix (RFC 3306)";
}

TEST(CheckChannel, ASourceSpecificGroupNeedsSources) {
  for (const char* group : {"232.0.0.0:2269", "232.255.255.255:2269", "[ff3e::1]:2269"}) {
    const auto violations = CheckNewChannel(OfSources(group, {}));
    ASSERT_EQ(violations.size(), 1U) << group;
    EXPECT_EQ(violations[0].field, "channel.multicast.sources");
    EXPECT_TRUE(CheckChannel(OfSources(group, {})).empty()) << "one of before goes on";
  }
}

// As many as a request can hold are refused in no time.
TEST(CheckChannel, OfTooManyNoneIsLookedAt) {
  Channel channel = Valid();
  channel.multicast.interface_address = "127.0.0.1";
  channel.multicast.sources.assign(200'000, *ParseAddress("127.0.0.1"));
  channel.streams.assign(50'000, channel.streams[0]);
  const auto violations = CheckChannel(channel);
  EXPECT_EQ(violations.size(), 2U);
  const auto names = [&](const std::string& field) {
    return std::count_if(violations.begin(), violations.end(),
                         [&](const auto& one) { return one.field == field; });
  };
  EXPECT_EQ(names("channel.multicast.sources"), 1);
  EXPECT_EQ(names("channel.streams"), 1);
}

TEST(CheckChannel, MtkMessagesComeFromASource) {
  Channel channel = OfSources("232.1.2.3:2269", {"192.0.2.1", "192.0.2.2"});
  for (const char* address : {"", "192.0.2.3"}) {
    channel.multicast.interface_address = address;
    const auto violations = CheckChannel(channel);
    ASSERT_EQ(violations.size(), 1U) << address;
    EXPECT_EQ(violations[0].field, "channel.multicast.interface_address");
  }
}

TEST(CheckChannel, SourcesAreUnicastAddressesNamedOnce) {
  for (const char* wrong : {"239.1.1.1", "0.0.0.0", "2001:db8::1", "192.0.2.1"}) {
    const auto violations = CheckChannel(OfSources("232.1.2.3:2269", {"192.0.2.1", wrong}));
    ASSERT_EQ(violations.size(), 1U) << wrong;
    EXPECT_EQ(violations[0].field, "channel.multicast.sources[1]");
  }
  std::vector<std::string> many;
  for (int i = 1; i <= 9; ++i) many.push_back("192.0.2." + std::to_string(i));
  const auto violations = CheckChannel(OfSources("232.1.2.3:2269", many));
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].field, "channel.multicast.sources");
}

struct Case {
  const char* name;
  std::function<void(Channel&)> spoil;
  const char* field;
};

class ChannelRule : public testing::TestWithParam<Case> {};

TEST_P(ChannelRule, NamesItsField) {
  Channel channel = Valid();
  GetParam().spoil(channel);
  const std::vector<FieldViolation> violations = CheckChannel(channel);
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].field, GetParam().field);
}

INSTANTIATE_TEST_SUITE_P(
    All, ChannelRule,
    testing::Values(
        Case{"Id", [](Channel& c) { c.id = ChannelId("News"); }, "channel_id"},
        Case{"Name", [](Channel& c) { c.display_name = "a\r\nb"; }, "channel.display_name"},
        Case{"Unicast", [](Channel& c) { c.multicast.mtk = *ParseEndpoint("10.0.0.1:2269"); },
             "channel.multicast.group"},
        Case{"MtkPort", [](Channel& c) { c.multicast.mtk.port = 0; }, "channel.multicast.mtk_port"},
        Case{"Dscp", [](Channel& c) { c.multicast.dscp = 64; }, "channel.multicast.dscp"},
        Case{"Interface", [](Channel& c) { c.multicast.interface_address = "::1"; },
             "channel.multicast.interface_address"},
        Case{"NoStreams", [](Channel& c) { c.streams.clear(); }, "channel.streams"},
        Case{"Media", [](Channel& c) { c.streams[0].media = "smell"; }, "channel.streams[0].media"},
        Case{"LastPort", [](Channel& c) { c.streams[0].port = 65535; }, "channel.streams[0].port"},
        Case{"RtcpMeetsMtk", [](Channel& c) { c.streams[0].port = 2268; },
             "channel.streams[0].port"},
        Case{"RtcpMeetsRtp", [](Channel& c) { c.streams[1].port = 5005; },
             "channel.streams[1].port"},
        Case{"SsrcTwice", [](Channel& c) { c.streams[1].ssrc = Ssrc(1); },
             "channel.streams[1].ssrc"},
        Case{"PayloadType", [](Channel& c) { c.streams[0].payload_type = 128; },
             "channel.streams[0].payload_type"},
        Case{"LooksLikeRtcp", [](Channel& c) { c.streams[0].payload_type = 64; },
             "channel.streams[0].payload_type"},
        Case{"LooksLikeRtcpToo", [](Channel& c) { c.streams[0].payload_type = 95; },
             "channel.streams[0].payload_type"},
        Case{"Ssrc", [](Channel& c) { c.streams[0].ssrc = Ssrc(0); }, "channel.streams[0].ssrc"},
        Case{"Rtpmap", [](Channel& c) { c.streams[0].rtpmap = ""; }, "channel.streams[0].rtpmap"},
        Case{"Fmtp", [](Channel& c) { c.streams[0].fmtp = std::string(256, 'x'); },
             "channel.streams[0].fmtp"},
        Case{"KeyGroup", [](Channel& c) { c.key_group = KeyGroup(0); }, "channel.key_group"},
        Case{"Profile", [](Channel& c) { c.profile = static_cast<SrtpProfile>(3); },
             "channel.srtp_profile"},
        Case{"Policy", [](Channel& c) { c.policy.max_datagram = 1; },
             "channel.policy.max_datagram"}),
    [](const testing::TestParamInfo<Case>& one) { return one.param.name; });

TEST(CheckChannel, TakesSixteenStreamsAndNoMore) {
  Channel channel = Valid();
  for (uint16_t i = 2; i < 17; ++i) {
    EXPECT_TRUE(CheckChannel(channel).empty()) << i;
    Stream stream = channel.streams[0];
    stream.port = static_cast<uint16_t>(5004 + 2 * i);
    stream.ssrc = Ssrc(i + 1U);
    channel.streams.push_back(stream);
  }
  EXPECT_EQ(CheckChannel(channel).at(0).field, "channel.streams");
}

TEST(IsResourceId, IsLowerCaseAndShort) {
  for (const std::string good : {"a", "news", "a-1", "x9"}) {
    EXPECT_TRUE(IsResourceId(good)) << good;
  }
  for (const std::string bad : {"", "9a", "-a", "A", "a_b", "a/b", "a.b", "a b"}) {
    EXPECT_FALSE(IsResourceId(bad)) << bad;
  }
  EXPECT_TRUE(IsResourceId(std::string(63, 'a')));
  EXPECT_FALSE(IsResourceId(std::string(64, 'a')));
}

TEST(Member, IsEntitledFromTheFirstInstantToBeforeTheLast) {
  Member member;
  EXPECT_TRUE(member.EntitledAt(Instant{}));
  member.entitled_from = Instant(std::chrono::seconds(10));
  member.entitled_until = Instant(std::chrono::seconds(20));
  EXPECT_FALSE(member.EntitledAt(Instant(std::chrono::seconds(10)) - Duration(1)));
  EXPECT_TRUE(member.EntitledAt(Instant(std::chrono::seconds(10))));
  EXPECT_FALSE(member.EntitledAt(Instant(std::chrono::seconds(20))));
}

}  // namespace
}  // namespace keymast::groups
