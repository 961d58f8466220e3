// SPDX-License-Identifier: Apache-2.0
#include "server/sdp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace keymast::server {
namespace {

groups::Channel Sports() {
  groups::Channel channel;
  channel.id = ChannelId("sports");
  channel.display_name = "Sports 1";
  channel.multicast.mtk = *ParseEndpoint("239.255.42.1:2269");
  channel.multicast.ttl = 4;
  channel.key_domain = {{0x26, 0x2f, 0x01}};
  channel.key_group = KeyGroup(7);
  channel.created = FromUnixNanos(1'700'000'000'500'000'000);
  channel.revision = 3;
  channel.streams.push_back(
      {"video", 5004, Ssrc(0xa0000001), 96, "H264/90000", "packetization-mode=1", 65000});
  channel.streams.push_back({"audio", 5006, Ssrc(2), 97, "opus/48000/2", "", {}});
  return channel;
}

TEST(Sdp, DescribesAChannel) {
  EXPECT_EQ(SdpOf(Sports()),
            "v=0\r\n"
            "o=- 1700000000 3 IN IP4 127.0.0.1\r\n"
            "s=Sports 1\r\n"
            "t=0 0\r\n"
            "a=keymast-channel:sports\r\n"
            "a=keymast-key-domain:262f01\r\n"
            "a=keymast-key-group:7\r\n"
            "a=keymast-mtk:239.255.42.1:2269\r\n"
            "m=video 5004 RTP/SAVP 96\r\n"
            "c=IN IP4 239.255.42.1/4\r\n"
            "a=rtpmap:96 H264/90000\r\n"
            "a=fmtp:96 packetization-mode=1\r\n"
            "a=ssrc:2684354561 cname:sports\r\n"
            "a=recvonly\r\n"
            "m=audio 5006 RTP/SAVP 97\r\n"
            "c=IN IP4 239.255.42.1/4\r\n"
            "a=rtpmap:97 opus/48000/2\r\n"
            "a=ssrc:2 cname:sports\r\n"
            "a=recvonly\r\n");
}

TEST(Sdp, SaysWhereTheChannelIsJoined) {
  EXPECT_THAT(SdpOf(Sports(), "192.0.2.10 2269 mikey://example.org/sports"),
              testing::HasSubstr("a=keymast-mtk:239.255.42.1:2269\r\n"
                                 "a=mikeyv2-join:192.0.2.10 2269 mikey://example.org/sports\r\n"
                                 "m=video"));
}

TEST(Sdp, OfIpv6HasNoTtl) {
  groups::Channel channel = Sports();
  channel.multicast.mtk = *ParseEndpoint("[ff15::1]:2269");
  const std::string text = SdpOf(channel);
  EXPECT_THAT(text, testing::HasSubstr("c=IN IP6 ff15::1\r\n"));
  EXPECT_THAT(text, testing::HasSubstr("a=keymast-mtk:[ff15::1]:2269\r\n"));
}

// RFC 4570 §3.
TEST(Sdp, NamesTheSourcesOfTheGroup) {
  groups::Channel channel = Sports();
  channel.multicast.sources = {*ParseAddress("192.0.2.1"), *ParseAddress("192.0.2.2")};
  EXPECT_THAT(SdpOf(channel),
              testing::HasSubstr(
                  "a=keymast-mtk:239.255.42.1:2269\r\n"
                  "a=source-filter: incl IN IP4 239.255.42.1 192.0.2.1 192.0.2.2\r\nm=video"));
  channel.multicast.mtk = *ParseEndpoint("[ff35::1]:2269");
  channel.multicast.sources = {*ParseAddress("2001:db8::1")};
  EXPECT_THAT(SdpOf(channel),
              testing::HasSubstr("a=source-filter: incl IN IP6 ff35::1 2001:db8::1\r\n"));
}

TEST(Sdp, NamesTheChannelByItsIdWithoutADisplayName) {
  groups::Channel channel = Sports();
  channel.display_name.clear();
  EXPECT_THAT(SdpOf(channel), testing::HasSubstr("s=sports\r\n"));
}

TEST(Sdp, TextCannotBeginALine) {
  groups::Channel channel = Sports();
  channel.display_name = "a\r\na=keymast-mtk:1.2.3.4:5";
  channel.streams[0].fmtp = "x\nm=video 1 RTP/AVP 0";
  const std::string text = SdpOf(channel);
  EXPECT_THAT(text, testing::HasSubstr("s=a  a=keymast-mtk"));
  EXPECT_EQ(text.find("\nm=video 1 "), std::string::npos);
}

}  // namespace
}  // namespace keymast::server
