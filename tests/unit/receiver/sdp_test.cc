// SPDX-License-Identifier: Apache-2.0
#include "receiver/sdp.h"

#include <gtest/gtest.h>

namespace keymast::receiver {
namespace {

constexpr std::string_view kGood =
    "v=0\r\n"
    "o=- 1800000000 3 IN IP4 127.0.0.1\r\n"
    "s=Channel One\r\n"
    "t=0 0\r\n"
    "a=keymast-channel:one\r\n"
    "a=keymast-key-domain:262f01\r\n"
    "a=keymast-key-group:7\r\n"
    "a=keymast-mtk:239.255.42.1:2269\r\n"
    "m=video 5004 RTP/SAVP 96\r\n"
    "c=IN IP4 239.255.42.1/0\r\n"
    "a=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1\r\n"
    "a=ssrc:2684354561 cname:one\r\n"
    "a=recvonly\r\n"
    "m=audio 5006 RTP/SAVP 97\r\n"
    "c=IN IP6 ff15::42\r\n"
    "a=rtpmap:97 opus/48000/2\r\n"
    "a=ssrc:2684354562 cname:one\r\n"
    "a=recvonly\r\n";

std::string With(std::string_view what, std::string_view replacement) {
  std::string text(kGood);
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), replacement);
}

Error RefusalOf(const std::string& text) {
  const auto parsed = ParseSdp(text);
  EXPECT_FALSE(parsed) << text;
  return parsed ? Error::kInternal : parsed.error().error;
}

TEST(Sdp, AllThatAReceiverNeeds) {
  const auto channel = ParseSdp(kGood);
  ASSERT_TRUE(channel) << channel.error().message;
  EXPECT_EQ(channel->channel, "one");
  EXPECT_EQ(channel->name, "Channel One");
  EXPECT_EQ(channel->origin, "- 1800000000 3 IN IP4 127.0.0.1");
  EXPECT_EQ(channel->domain, (KeyDomainId{{0x26, 0x2f, 0x01}}));
  EXPECT_EQ(channel->key_group, KeyGroup(7));
  EXPECT_EQ(ToString(channel->mtk), "239.255.42.1:2269");
  ASSERT_EQ(channel->streams.size(), 2u);
  const SdpStream& video = channel->streams[0];
  EXPECT_EQ(video.media, "video");
  EXPECT_EQ(ToString(video.group), "239.255.42.1:5004");
  EXPECT_EQ(video.ttl, 0);
  EXPECT_EQ(video.payload_type, 96);
  EXPECT_EQ(video.rtpmap, "H264/90000");
  EXPECT_EQ(video.fmtp, "packetization-mode=1");
  EXPECT_EQ(video.ssrc, Ssrc(0xa0000001));
  EXPECT_EQ(ToString(channel->streams[1].group), "[ff15::42]:5006");
}

TEST(Sdp, LineFeedsAloneAndUnknownAttributesPass) {
  std::string text(kGood);
  std::erase(text, '\r');
  text += "a=something:else\na=flag\nb=AS:128\n";
  EXPECT_TRUE(ParseSdp(text));
}

TEST(Sdp, SaysWhereTheChannelIsJoined) {
  EXPECT_TRUE(ParseSdp(kGood)->join_uri.empty());
  const auto join = [](const std::string& value) {
    return With("m=video", "a=mikeyv2-join:" + value + "\r\nm=video");
  };
  const auto channel = ParseSdp(join("192.0.2.1 2269 mikey://example.org/one"));
  ASSERT_TRUE(channel);
  EXPECT_EQ(channel->join_host, "192.0.2.1");
  EXPECT_EQ(channel->join_port, 2269);
  EXPECT_EQ(channel->join_uri, "mikey://example.org/one");
  for (const char* wrong : {"", "192.0.2.1", "192.0.2.1 2269", "192.0.2.1 0 mikey://a/b",
                            "192.0.2.1 65536 mikey://a/b", " 2269 mikey://a/b"}) {
    EXPECT_EQ(RefusalOf(join(wrong)), Error::kMalformed) << wrong;
  }
  EXPECT_EQ(RefusalOf(join("a 1 mikey://" + std::string(256, 'a'))), Error::kMalformed);
}

// RFC 4570 §3. kGood has groups of both families, so that one is left.
TEST(Sdp, SaysWherePacketsComeFrom) {
  const auto with = [](const std::string& filter) {
    std::string text = With("t=0 0\r\n", "t=0 0\r\na=source-filter:" + filter + "\r\n");
    const size_t at = text.find("IP6 ff15::42");
    return text.replace(at, 12, "IP4 239.255.42.1/0");
  };
  for (const char* group : {"239.255.42.1", "*"}) {
    const auto channel =
        ParseSdp(with(" incl IN IP4 " + std::string(group) + " 192.0.2.1 192.0.2.2"));
    ASSERT_TRUE(channel) << channel.error().message;
    EXPECT_EQ(channel->sources,
              (std::vector{*ParseAddress("192.0.2.1"), *ParseAddress("192.0.2.2")}));
  }
  EXPECT_TRUE(ParseSdp(kGood)->sources.empty());
  for (const char* filter :
       {" incl IN IP4 239.255.42.1", " incl IN IP4 239.255.42.2 192.0.2.1",
        " incl IN IP4 192.0.2.1 192.0.2.1", " incl IN IP4 * 239.1.1.1",
        " incl IN IP4 * 2001:db8::1", " incl IN IP4 * example.org", " incl IN IP6 * 2001:db8::1",
        " incl IN IP4 * 192.0.2.1  ",
        " incl IN IP4 * 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 "
        "192.0.2.8 192.0.2.9"}) {
    EXPECT_EQ(RefusalOf(with(filter)), Error::kMalformed) << filter;
  }
  for (const char* filter : {" excl IN IP4 * 192.0.2.1", " incl IN * * 192.0.2.1", ""}) {
    EXPECT_EQ(RefusalOf(with(filter)), Error::kUnsupportedPolicy) << filter;
  }
  const std::string twice =
      with(" incl IN IP4 * 192.0.2.1\r\na=source-filter: incl IN IP4 * 192.0.2.2");
  EXPECT_EQ(RefusalOf(twice), Error::kMalformed);
  EXPECT_EQ(RefusalOf(With("t=0 0\r\n", "t=0 0\r\na=source-filter: incl IN IP4 * 192.0.2.1\r\n")),
            Error::kMalformed)
      << "one of its groups has another family";
}

TEST(Sdp, EachNeededLineMustBeThere) {
  for (const std::string_view line :
       {"a=keymast-channel:one\r\n", "a=keymast-key-domain:262f01\r\n", "a=keymast-key-group:7\r\n",
        "a=keymast-mtk:239.255.42.1:2269\r\n", "c=IN IP4 239.255.42.1/0\r\n",
        "a=rtpmap:96 H264/90000\r\n", "a=ssrc:2684354561 cname:one\r\n"}) {
    EXPECT_EQ(RefusalOf(With(line, "")), Error::kPayloadMissing) << line;
  }
  EXPECT_EQ(RefusalOf(""), Error::kPayloadMissing);
  EXPECT_EQ(RefusalOf(With("v=0\r\n", "")), Error::kUnknownVersion);
}

TEST(Sdp, NoLineTwice) {
  for (const std::string_view line :
       {"v=0\r\n", "s=Channel One\r\n", "a=keymast-channel:one\r\n", "c=IN IP4 239.255.42.1/0\r\n",
        "a=ssrc:2684354561 cname:one\r\n"}) {
    EXPECT_EQ(RefusalOf(With(line, std::string(line) + std::string(line))), Error::kMalformed)
        << line;
  }
}

TEST(Sdp, MalformedLines) {
  const std::pair<std::string_view, std::string_view> changes[] = {
      {"262f01", "262f0"},
      {"262f01", "262f0g"},
      {"key-group:7", "key-group:65536"},
      {"key-group:7", "key-group:-1"},
      {"key-group:7", "key-group:"},
      {"mtk:239.255.42.1:2269", "mtk:127.0.0.1:2269"},  // not multicast
      {"mtk:239.255.42.1:2269", "mtk:239.255.42.1:0"},
      {"mtk:239.255.42.1:2269", "mtk:example.org:2269"},
      {"m=video 5004", "m=video 0"},
      {"m=video 5004", "m=video 65536"},
      {"m=video 5004", "m= 5004"},
      {"RTP/SAVP 96", "RTP/SAVP 128"},
      {"RTP/SAVP 96", "RTP/SAVP 96 97"},
      {"IP4 239.255.42.1/0", "IP6 239.255.42.1/0"},
      {"IP4 239.255.42.1/0", "IP4 239.255.42.1"},
      {"IP4 239.255.42.1/0", "IP4 239.255.42.1/256"},
      {"IP6 ff15::42", "IP6 ff15::42/3"},
      {"IP6 ff15::42", "IP6 2001:db8::1"},
      {"rtpmap:96 H264", "rtpmap:95 H264"},
      {"rtpmap:96 H264/90000", "rtpmap:96"},
      {"fmtp:96", "fmtp:97"},
      {"ssrc:2684354561", "ssrc:4294967296"},
      {"ssrc:2684354561", "ssrc:x"},
      {"t=0 0", "t"},
      {"t=0 0", "t=\x01"},
      {"a=keymast-channel:one", "a=keymast-channel:"},
      {"t=0 0", "a=rtpmap:96 H264/90000"},  // of a media section, in the session's
      {"a=recvonly", "a=keymast-key-group:9"},
  };
  for (const auto& [what, replacement] : changes) {
    EXPECT_EQ(RefusalOf(With(what, replacement)), Error::kMalformed) << what << " " << replacement;
  }
}

TEST(Sdp, VersionTransportAndSsrcs) {
  EXPECT_EQ(RefusalOf(With("v=0", "v=1")), Error::kUnknownVersion);
  EXPECT_EQ(RefusalOf(With("RTP/SAVP", "RTP/AVP")), Error::kUnsupportedPolicy);
  EXPECT_EQ(RefusalOf(With("2684354562", "2684354561")), Error::kSsrcInUse);
}

TEST(Sdp, Limits) {
  EXPECT_EQ(RefusalOf(With("Channel One", std::string(kMaxSdpLine, 'x'))), Error::kTooLong);
  EXPECT_EQ(RefusalOf(std::string(kMaxSdp + 1, 'x')), Error::kTooLong);
  std::string text(kGood);
  for (uint32_t i = 0; i < 15; ++i) {
    text +=
        "m=video 5004 RTP/SAVP 96\r\nc=IN IP4 239.255.42.1/0\r\na=rtpmap:96 H264/90000\r\n"
        "a=ssrc:" +
        std::to_string(i) + "\r\n";
  }
  EXPECT_EQ(RefusalOf(text), Error::kTooLong) << "at most 16 streams";
}

TEST(Sdp, TheMessageNamesTheLine) {
  const auto parsed = ParseSdp(With("m=video 5004", "m=video 0"));
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find("line 9"), std::string::npos) << parsed.error().message;
}

TEST(Sdp, EveryPrefixIsRefusedOrWhole) {
  for (size_t length = 0; length + 40 < kGood.size(); ++length) {
    const auto parsed = ParseSdp(kGood.substr(0, length));
    if (parsed) {
      EXPECT_EQ(parsed->streams.size(), 1u);
    }
  }
}

TEST(Sdp, PlainDescriptionForPlayers) {
  const auto channel = ParseSdp(kGood);
  ASSERT_TRUE(channel);
  const std::vector<PlainTarget> targets = {{0, *ParseEndpoint("127.0.0.1:7000")},
                                            {1, *ParseEndpoint("[::1]:7002")}};
  EXPECT_EQ(PlainSdp(*channel, targets),
            "v=0\r\n"
            "o=- 1800000000 3 IN IP4 127.0.0.1\r\n"
            "s=Channel One\r\n"
            "t=0 0\r\n"
            "m=video 7000 RTP/AVP 96\r\n"
            "c=IN IP4 127.0.0.1\r\n"
            "a=rtpmap:96 H264/90000\r\n"
            "a=fmtp:96 packetization-mode=1\r\n"
            "a=recvonly\r\n"
            "m=audio 7002 RTP/AVP 97\r\n"
            "c=IN IP6 ::1\r\n"
            "a=rtpmap:97 opus/48000/2\r\n"
            "a=recvonly\r\n");
}

TEST(Sdp, APlainDescriptionWithoutOriginIsStillOne) {
  const auto channel = ParseSdp(With("o=- 1800000000 3 IN IP4 127.0.0.1\r\ns=Channel One\r\n", ""));
  ASSERT_TRUE(channel);
  EXPECT_EQ(PlainSdp(*channel, {}).substr(0, 33), "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=");
}

}  // namespace
}  // namespace keymast::receiver
