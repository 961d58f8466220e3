// SPDX-License-Identifier: Apache-2.0
#include "sdp/session.h"

#include <gtest/gtest.h>

#include "sdp/base64.h"

namespace keymast::sdp {
namespace {

constexpr std::string_view kFingerprint =
    "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

std::string Good() {
  return "v=0\r\n"
         "o=- 7 1 IN IP4 192.0.2.1\r\n"
         "s=-\r\n"
         "t=0 0\r\n"
         "a=group:BUNDLE 1 2\r\n"
         "a=fingerprint:" +
         std::string(kFingerprint) +
         "\r\n"
         "a=mikeyv2-id:AAECAwQFBgcICQoLDA0ODw==\r\n"
         "a=mikeyv2-cap:AQABAQ==\r\n"
         "a=mikeyv2-fresh:AAECAwQFBgcICQoLDA0ODw==\r\n"
         "a=key-mgmt:mikey AvEA\r\n"
         "m=audio 5004 RTP/SAVP 0 96\r\n"
         "c=IN IP4 192.0.2.1\r\n"
         "a=rtpmap:0 PCMU/8000\r\n"
         "a=rtpmap:96 L16/16000\r\n"
         "a=fmtp:96 x=1\r\n"
         "a=mid:1\r\n"
         "a=ssrc:17 cname:-\r\n"
         "a=rtcp-mux\r\n"
         "a=sendrecv\r\n"
         "m=audio 5004 RTP/SAVP 0\r\n"
         "c=IN IP4 192.0.2.1\r\n"
         "a=rtpmap:0 PCMU/8000\r\n"
         "a=mid:2\r\n"
         "a=rtcp-mux\r\n"
         "a=recvonly\r\n";
}

std::string With(std::string_view what, std::string_view replacement) {
  std::string text = Good();
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), replacement);
}

Error RefusalOf(const std::string& text) {
  const auto read = ReadSession(text);
  EXPECT_FALSE(read) << text;
  return read ? Error::kInternal : read.error().error;
}

TEST(Session, AllThatTwoNeed) {
  const auto read = ReadSession(Good());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->origin.id, 7u);
  EXPECT_EQ(read->origin.version, 1u);
  ASSERT_EQ(read->streams.size(), 2u);
  const Stream& first = read->streams[0];
  EXPECT_EQ(ToString(first.at), "192.0.2.1:5004");
  EXPECT_EQ(first.direction, Direction::kSendRecv);
  EXPECT_EQ(first.formats, (std::vector<Format>{{0, "PCMU/8000", ""}, {96, "L16/16000", "x=1"}}));
  EXPECT_EQ(first.ssrc, Ssrc(17));
  EXPECT_EQ(first.mid, "1");
  EXPECT_EQ(read->streams[1].direction, Direction::kRecvOnly);
  const Keying& keying = read->keying;
  ASSERT_TRUE(keying.fingerprint);
  EXPECT_EQ((*keying.fingerprint)[10], 0xaa);
  EXPECT_EQ(keying.session.size(), 16u);
  EXPECT_EQ(keying.capabilities, (Bytes{1, 0, 1, 1}));
  EXPECT_EQ(keying.fresh.size(), 16u);
  EXPECT_EQ(keying.message, (Bytes{2, 0xf1, 0}));
  EXPECT_EQ(keying.protocols, "mikey");
}

TEST(Session, WhatIsWrittenIsWhatWasRead) {
  const auto read = ReadSession(Good());
  ASSERT_TRUE(read);
  EXPECT_EQ(WriteSession(*read), Good());
}

TEST(Session, DirectionsOfTheSessionCountWhereAStreamSaysNone) {
  const auto read =
      ReadSession(With("a=mid:1\r\n", "")
                      .replace(Good().find("a=group:BUNDLE 1 2"), 18, "a=sendonly\r\na=tool:x"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->streams[0].direction, Direction::kSendRecv);  // its own
  const auto silent = ReadSession(With("a=sendrecv\r\n", ""));
  ASSERT_TRUE(silent);
  EXPECT_EQ(silent->streams[0].direction, Direction::kSendRecv);  // RFC 8866 §6.7: the default
}

TEST(Session, StreamsOfOneAddress) {
  const auto read = ReadSession(Good());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->bundle, (std::vector<std::string>{"1", "2"}));
  EXPECT_TRUE(read->streams[0].rtcp_mux);
  EXPECT_FALSE(ReadSession(With("a=rtcp-mux\r\n", ""))->streams[0].rtcp_mux);
  EXPECT_TRUE(ReadSession(With("a=group:BUNDLE 1 2\r\n", ""))->bundle.empty());
  EXPECT_TRUE(ReadSession(With("BUNDLE", "LS"))->bundle.empty());
  EXPECT_EQ(ReadSession(With("BUNDLE 1 2", "BUNDLE 2 9"))->bundle, std::vector<std::string>{"2"});
}

TEST(Session, ABundleNamesNoStreamWithoutMid) {
  std::string text = With("a=mid:1\r\n", "");
  text.replace(text.find("BUNDLE 1 2"), 10, "BUNDLE  2");
  const auto read = ReadSession(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->bundle, std::vector<std::string>{"2"});
}

// RFC 9143 §6, §7.2: port 0 refuses nothing there.
TEST(Session, ABundleOnlyStreamHasTheBundlesAddress) {
  const std::string_view own = "m=audio 5004 RTP/SAVP 0\r\n";
  std::string text = With(own, "m=audio 0 RTP/SAVP 0\r\n");
  EXPECT_TRUE(ReadSession(text)->streams[1].is_refused());
  text.insert(text.rfind("a=rtcp-mux"), "a=bundle-only\r\n");
  const auto read = ReadSession(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->streams[1].bundle_only);
  EXPECT_EQ(ToString(read->streams[1].at), "192.0.2.1:5004");
  EXPECT_EQ(read->bundle.size(), 2u);
  EXPECT_EQ(WriteSession(*read), text);
  for (const std::string_view other : {"BUNDLE 1", "BUNDLE 2", "LS 1 2"}) {
    std::string alone = text;
    alone.replace(alone.find("BUNDLE 1 2"), 10, other);
    EXPECT_TRUE(ReadSession(alone)->streams[1].is_refused()) << other;
  }
  text.replace(text.find("m=audio 0"), 9, "m=audio 5006");
  EXPECT_FALSE(ReadSession(text)->streams[1].bundle_only) << "with a port it says nothing";
}

// RFC 8866 §5.14: what is no RTP has formats of its own kind.
TEST(Session, StreamsThatAreNoRtp) {
  const std::string text = Good() +
                           "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                           "c=IN IP4 192.0.2.1\r\n"
                           "a=mid:3\r\n"
                           "a=sendrecv\r\n"
                           "m=image 0 udptl t38\r\n"
                           "m=application 9 SCTP/DTLS 5000\r\n"
                           "c=IN IP4 192.0.2.1\r\n"
                           "a=sendrecv\r\n";
  const auto read = ReadSession(text);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->streams.size(), 5u);
  EXPECT_EQ(read->streams[2].other_formats, std::vector<std::string>{"webrtc-datachannel"});
  EXPECT_FALSE(read->streams[2].is_keyed());
  EXPECT_TRUE(read->streams[0].is_keyed());
  EXPECT_TRUE(read->streams[3].is_refused());
  EXPECT_EQ(WriteSession(*read), text);
}

// MIKEYv2 §12: RTP in clear, or under DTLS's keys, is not keyed by an exchange.
TEST(Session, StreamsThatAreNoSrtpAreNotKeyed) {
  const std::pair<std::string_view, bool> transports[] = {{"RTP/SAVP", true},
                                                          {"RTP/SAVPF", true},
                                                          {"RTP/AVP", false},
                                                          {"RTP/AVPF", false},
                                                          {"UDP/TLS/RTP/SAVPF", false}};
  for (const auto& [transport, is_keyed] : transports) {
    const auto read = ReadSession(With(" RTP/SAVP 0 96", " " + std::string(transport) + " 0 96"));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->streams[0].is_keyed(), is_keyed) << transport;
  }
}

TEST(Session, TimeAndNameOfASource) {
  std::string text = With("t=0 0", "t=3034423619 3042462419");
  text.replace(text.find("cname:-"), 7, "cname:x+/y");
  const auto read = ReadSession(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->streams[0].cname, "x+/y");
  EXPECT_EQ(WriteSession(*read), text);
}

TEST(Session, ARefusedStreamNeedsNoAddress) {
  std::string text =
      With("m=audio 5004 RTP/SAVP 0 96\r\nc=IN IP4 192.0.2.1\r\n", "m=audio 0 RTP/SAVP 0 96\r\n");
  const auto read = ReadSession(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->streams[0].is_refused());
  EXPECT_EQ(RefusalOf(With("c=IN IP4 192.0.2.1\r\n", "")), Error::kPayloadMissing);
}

TEST(Session, MalformedLines) {
  const std::pair<std::string_view, std::string_view> changes[] = {
      {"o=- 7 1 IN IP4 192.0.2.1\r\n", ""},
      {"o=- 7 1", "o=- 7"},
      {"o=- 7 1", "o=- -7 1"},
      {"o=- 7 1", "o=- 7 18446744073709551616"},
      {"o=- 7 1 IN IP4", "o=- 7 1 IN IP6"},
      {"RTP/SAVP 0 96", "RTP/SAVP 0 0"},
      {"RTP/SAVP 0 96", "RTP/SAVP 0 128"},
      {"RTP/SAVP 0 96", "RTP/SAVP 0 t38"},
      {"rtpmap:96", "rtpmap:97"},
      {"rtpmap:96 L16/16000", "rtpmap:96"},
      {"fmtp:96", "fmtp:1000"},
      {"a=ssrc:17", "a=ssrc:4294967296"},
      {"a=ssrc:17", "a=ssrc:"},
      {"a=mid:2", "a=mid:1"},
      {"a=mid:2", "a=mid"},
      {"a=mid:2", "a=mid:2 3"},
      {"a=rtcp-mux", "a=rtcp-mux:1"},
      {"a=sendrecv", "a=sendrecv\r\na=recvonly"},
      {"a=sendrecv", "a=sendrecv:1"},
      {"AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0O"},  // 15 octets
      {"mikeyv2-id:AAECAwQFBgcICQoLDA0ODw==", "mikeyv2-id:AAECAwQFBgcICQoLDA0ODw"},
      {"a=mikeyv2-id:AA", "a=mikeyv2-id:AAECAwQFBgcICQoLDA0ODw==\r\na=mikeyv2-id:AA"},
      {"mikeyv2-cap:AQABAQ==",
       "mikeyv2-cap:AQABAQ=="
       "\r\na=mikeyv2-cap:AQABAQ=="},
      {"mikeyv2-cap:AQABAQ==", "mikeyv2-cap:"},
      {"mikeyv2-cap:AQABAQ==", "mikeyv2-cap:AQACAQ=="},  // a TLV beyond the end
      {"mikeyv2-cap:AQABAQ==", "mikeyv2-cap:CwABAQ=="},  // a cookie
      {"mikeyv2-fresh:AAECAwQFBgcICQoLDA0ODw==", "mikeyv2-fresh:AAEC"},
      {"key-mgmt:mikey AvEA", "key-mgmt:mikey"},
      {"key-mgmt:mikey AvEA", "key-mgmt:mikey AvE"},
      {"key-mgmt:mikey AvEA", "key-mgmt:mikey AvEA\r\na=key-mgmt:mikey AvEA"},
      {"key-mgmt:mikey AvEA", "key-mgmt"},
      {"key-mgmt:mikey", "key-mgmt:mi;key"},
      {"sha-256 00:11", "sha-256 0011"},
      {"sha-256 00:11", "sha-256 00:1"},
      {"sha-256 00:11", "sha-256 00:11:22"},
      {"sha-256 00:11", "sha-256 0g:11"},
      {":EE:FF\r\n", ":EE:FF:\r\n"},
  };
  for (const auto& [what, replacement] : changes) {
    EXPECT_EQ(RefusalOf(With(what, replacement)), Error::kMalformed) << what << " " << replacement;
  }
}

TEST(Session, KeyingIsOfTheWholeSession) {
  for (const std::string_view line :
       {"a=mikeyv2-id:AAECAwQFBgcICQoLDA0ODw==", "a=mikeyv2-cap:AQABAQ==",
        "a=mikeyv2-fresh:AAECAwQFBgcICQoLDA0ODw==", "a=key-mgmt:mikey AvEA"}) {
    EXPECT_EQ(RefusalOf(With("a=mid:1", line)), Error::kUnsupportedPolicy) << line;
  }
}

TEST(Session, OneFingerprintByAHashThatIsKnown) {
  const std::string line = "a=fingerprint:" + std::string(kFingerprint);
  EXPECT_TRUE(ReadSession(With("a=mid:1", line)));
  std::string other = line;
  other[other.size() - 1] = 'E';
  EXPECT_EQ(RefusalOf(With("a=mid:1", other)), Error::kUnsupportedPolicy);
  EXPECT_TRUE(ReadSession(With("a=mid:1", "a=fingerprint:sha-1 00:11")));
  EXPECT_EQ(RefusalOf(With("fingerprint:sha-256", "fingerprint:sha-512")),
            Error::kUnsupportedAlgorithm);
}

TEST(Session, ProtocolsInTheirOrder) {
  const auto read =
      ReadSession(With("a=key-mgmt:mikey AvEA", "a=key-mgmt:other eA==\r\na=key-mgmt:mikey AvEA"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->keying.protocols, "other;mikey");
  EXPECT_EQ(read->keying.message, (Bytes{2, 0xf1, 0}));
}

TEST(Session, SourcesOfStreams) {
  EXPECT_EQ(RefusalOf(With("a=mid:2", "a=ssrc:17 cname:-")), Error::kSsrcInUse);
  EXPECT_EQ(RefusalOf(With("a=mid:1", "a=ssrc:18 cname:-")), Error::kUnsupportedPolicy);
  EXPECT_TRUE(ReadSession(With("a=mid:1", "a=ssrc:17 msid:x")));  // more of the same source
}

TEST(Session, EveryPrefixIsRefusedOrWhole) {
  const std::string good = Good();
  for (size_t length = 0; length < good.size(); ++length) {
    const auto read = ReadSession(good.substr(0, length));
    if (read) {
      EXPECT_GE(read->streams.size(), 1u);
    }
  }
}

TEST(Join, ThereAndBack) {
  const JoinTarget target{"192.0.2.9", 2269, "mikey://example.org/tv"};
  const Attribute line = JoinAttribute(target);
  EXPECT_EQ(line.name, "mikeyv2-join");
  EXPECT_EQ(line.value, "192.0.2.9 2269 mikey://example.org/tv");
  const auto parsed = ParseJoin(line.value);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, target);
  for (const std::string_view value :
       {"", "host", "host 2269", "host 2269 ", "host 0 u", "host 65536 u", " 2269 u", "host x u",
        "host 2269 u v", "host  2269 u"}) {
    EXPECT_FALSE(ParseJoin(value)) << value;
  }
}

}  // namespace
}  // namespace keymast::sdp
