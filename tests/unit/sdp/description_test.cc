// SPDX-License-Identifier: Apache-2.0
#include "sdp/description.h"

#include <gtest/gtest.h>

#include "sdp/base64.h"

namespace keymast::sdp {
namespace {

constexpr std::string_view kGood =
    "v=0\r\n"
    "o=- 1 2 IN IP4 192.0.2.1\r\n"
    "s=-\r\n"
    "c=IN IP4 192.0.2.1\r\n"
    "t=0 0\r\n"
    "a=group:BUNDLE 1 2\r\n"
    "m=audio 5004 RTP/SAVP 0 96\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=sendrecv\r\n"
    "m=video 0 RTP/SAVP 97\r\n"
    "c=IN IP6 2001:db8::1\r\n";

std::string With(std::string_view what, std::string_view replacement) {
  std::string text(kGood);
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), replacement);
}

Error RefusalOf(const std::string& text) {
  const auto read = Read(text);
  EXPECT_FALSE(read) << text;
  return read ? Error::kInternal : read.error().error;
}

TEST(Description, LinesAndTheirPlaces) {
  const auto read = Read(kGood);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->origin, "- 1 2 IN IP4 192.0.2.1");
  ASSERT_EQ(read->media.size(), 2u);
  const Media& audio = read->media[0];
  EXPECT_EQ(audio.port, 5004);
  EXPECT_EQ(audio.formats, (std::vector<std::string>{"0", "96"}));
  EXPECT_EQ(audio.transport, "RTP/SAVP");
  ASSERT_EQ(audio.attributes.size(), 2u);
  EXPECT_EQ(audio.attributes[1].name, "sendrecv");
  EXPECT_EQ(audio.attributes[1].value, "");
  EXPECT_EQ(audio.attributes[1].line, 9u);
  EXPECT_EQ(AddressToString(read->ConnectionOf(audio)->address), "192.0.2.1");
  EXPECT_EQ(read->media[1].port, 0);
  EXPECT_EQ(AddressToString(read->ConnectionOf(read->media[1])->address), "2001:db8::1");
  EXPECT_EQ(Find(read->attributes, "group")->value, "BUNDLE 1 2");
  EXPECT_EQ(Find(read->attributes, "mid"), nullptr);
}

TEST(Description, WhatIsWrittenIsWhatWasRead) {
  const auto read = Read(kGood);
  ASSERT_TRUE(read);
  EXPECT_EQ(Write(*read), kGood);
}

TEST(Description, AMulticastGroupKeepsItsTtl) {
  const auto read = Read(With("c=IN IP4 192.0.2.1", "c=IN IP4 239.1.2.3/7"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->connection->ttl, 7);
  EXPECT_NE(Write(*read).find("c=IN IP4 239.1.2.3/7\r\n"), std::string::npos);
}

TEST(Description, TextCannotBreakItsLine) {
  Description description;
  description.origin = "- 1 1 IN IP4 192.0.2.1";
  description.name = "one\r\na=two";
  EXPECT_NE(Write(description).find("s=one  a=two\r\n"), std::string::npos);
}

TEST(Description, MalformedLines) {
  const std::pair<std::string_view, std::string_view> changes[] = {
      {"audio 5004", "audio 65536"},
      {"audio 5004", "audio -1"},
      {"audio 5004", "audio 5004/2"},
      {"audio 5004", "audio"},
      {"m=audio", "m="},
      {"RTP/SAVP 0 96", "RTP/SAVP"},
      {"RTP/SAVP 0 96", "RTP/SAVP 0  96"},
      {"c=IN IP4 192.0.2.1", "c=IN IP4 192.0.2.1/5"},
      {"c=IN IP4 192.0.2.1", "c=IN IP4 239.1.2.3"},
      {"c=IN IP4 192.0.2.1", "c=IN IP4 239.1.2.3/256"},
      {"c=IN IP4 192.0.2.1", "c=IN IP4 239.1.2.3/7/2"},
      {"c=IN IP4 192.0.2.1", "c=IN IP6 192.0.2.1"},
      {"c=IN IP4 192.0.2.1", "c=IN IP4 host.example"},
      {"c=IN IP4 192.0.2.1", "c=ATM IP4 192.0.2.1"},
      {"c=IN IP6 2001:db8::1", "c=IN IP6 2001:db8::1/3"},
      {"t=0 0", "c=IN IP4 192.0.2.1"},
      {"t=0 0", "s=again"},
      {"a=sendrecv", "a="},
      {"a=sendrecv", "a=:x"},
      {"a=sendrecv", "t=0 0"},
      {"a=sendrecv", "sendrecv"},
      {"a=sendrecv", "a=send\x01recv"},
  };
  for (const auto& [what, replacement] : changes) {
    EXPECT_EQ(RefusalOf(With(what, replacement)), Error::kMalformed) << what << " " << replacement;
  }
}

TEST(Description, VersionComesFirst) {
  EXPECT_EQ(RefusalOf(With("v=0", "v=1")), Error::kUnknownVersion);
  EXPECT_EQ(RefusalOf(With("v=0\r\n", "")), Error::kUnknownVersion);
  EXPECT_EQ(RefusalOf(""), Error::kPayloadMissing);
  EXPECT_EQ(RefusalOf(With("t=0 0", "v=0")), Error::kMalformed);
}

TEST(Description, Limits) {
  EXPECT_EQ(RefusalOf(With("s=-", "s=" + std::string(kMaxLine, 'x'))), Error::kTooLong);
  EXPECT_EQ(RefusalOf(std::string(kMaxText + 1, 'x')), Error::kTooLong);
  std::string many(kGood);
  for (size_t i = 0; i + 1 < kMaxMedia; ++i) many += "m=audio 9 RTP/SAVP 0\n";
  EXPECT_EQ(RefusalOf(many), Error::kTooLong);
  many = kGood;
  for (size_t i = 0; i <= kMaxAttributes; ++i) many += "a=x\n";
  EXPECT_EQ(RefusalOf(many), Error::kTooLong);
  std::string formats = "RTP/SAVP";
  for (size_t i = 0; i <= kMaxFormats; ++i) formats += " 96";
  EXPECT_EQ(RefusalOf(With("RTP/SAVP 0 96", formats)), Error::kTooLong);
}

TEST(Description, TheMessageNamesTheLine) {
  const auto read = Read(With("audio 5004", "audio x"));
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("line 7"), std::string::npos) << read.error().message;
}

TEST(Base64, ThereAndBack) {
  // RFC 4648 §10.
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(ToBase64(AsBytes(plain)), text);
    Bytes octets;
    EXPECT_TRUE(FromBase64(text, octets));
    EXPECT_EQ(AsText(octets), plain);
  }
}

TEST(Base64, OneSpelling) {
  Bytes octets;
  for (const std::string_view text : {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==",
                                      "Zm 9", "Zm9v\n", "Z-9v", "=m9v"}) {
    EXPECT_FALSE(FromBase64(text, octets)) << text;
  }
}

}  // namespace
}  // namespace keymast::sdp
