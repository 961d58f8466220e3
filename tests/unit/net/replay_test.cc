// SPDX-License-Identifier: Apache-2.0
#include "net/replay.h"

#include <gtest/gtest.h>

#include "tests/unit/net/recording.h"

namespace keymast::net {
namespace {

std::vector<RecordedDatagram> ReadAll(ByteView file, Error* error = nullptr) {
  std::vector<RecordedDatagram> all;
  RecordReader reader(file);
  for (;;) {
    const auto next = reader.Next();
    if (!next) {
      if (error != nullptr) *error = next.error();
      return all;
    }
    if (!*next) return all;
    all.push_back(**next);
  }
}

TEST(RecordReader, DatagramsComeBackInOrder) {
  Recording recording;
  const Bytes first = {1, 2, 3};
  const Bytes second;
  recording.Add("127.0.0.1:9", "239.255.42.1:5004", FromUnixNanos(1'800'000'000'123'456'789),
                first);
  recording.Section();
  recording.Add("192.0.2.1:65535", "127.0.0.1:2271", FromUnixNanos(1), second);
  const auto all = ReadAll(recording.octets());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(ToString(all[0].from), "127.0.0.1:9");
  EXPECT_EQ(ToString(all[0].to), "239.255.42.1:5004");
  EXPECT_EQ(ToUnixNanos(all[0].at), 1'800'000'000'123'456'789);
  EXPECT_TRUE(Equal(all[0].octets, first));
  EXPECT_EQ(ToString(all[1].from), "192.0.2.1:65535");
  EXPECT_TRUE(all[1].octets.empty());
}

TEST(RecordReader, OtherBlocksAndOtherLinkTypesArePassedOver) {
  Recording recording;
  recording.Block(0x0bad, Bytes(8, 0xee));
  recording.Block(1, {1, 0, 0, 0, 0, 0, 0, 0});  // Ethernet
  Bytes body(24);
  body[0] = 1;  // of the Ethernet interface
  body[12] = 4;
  recording.Block(6, body);
  recording.Add("127.0.0.1:9", "127.0.0.1:8", FromUnixNanos(5), Bytes{7});
  EXPECT_EQ(ReadAll(recording.octets()).size(), 1u);
}

TEST(RecordReader, APacketOfAnotherVersionIsPassedOver) {
  Recording recording;
  Bytes body(20);
  // What would be a UDP header with one octet behind it.
  const Bytes packet = {0x55, 1, 0, 2, 0, 9, 0, 0, 7};
  body[12] = body[16] = static_cast<uint8_t>(packet.size());
  body.insert(body.end(), packet.begin(), packet.end());
  body.resize(32);
  recording.Block(6, body);
  recording.Add("127.0.0.1:9", "127.0.0.1:8", FromUnixNanos(5), Bytes{7});
  EXPECT_EQ(ReadAll(recording.octets()).size(), 1u);
}

TEST(RecordReader, EveryPrefixGivesWholeDatagramsOnly) {
  Recording recording;
  recording.Add("127.0.0.1:9", "127.0.0.1:8", FromUnixNanos(5), Bytes(33, 7));
  const ByteView file = recording.octets();
  for (size_t length = 1; length < file.size(); ++length) {
    Error error = Error::kInternal;
    EXPECT_TRUE(ReadAll(file.first(length), &error).empty());
    const bool between_blocks = length == 28 || length == 60;
    EXPECT_EQ(error, between_blocks ? Error::kInternal : Error::kTruncated) << length;
  }
}

TEST(RecordReader, EveryFlippedOctetIsSurvived) {
  Recording recording;
  recording.Add("127.0.0.1:9", "127.0.0.1:8", FromUnixNanos(5), Bytes(33, 7));
  for (size_t at = 0; at < recording.octets().size(); ++at) {
    Bytes file = recording.octets();
    file[at] ^= 0xff;
    EXPECT_LE(ReadAll(file).size(), 1u);
  }
}

TEST(RecordReader, SomethingElseIsMalformed) {
  Error error = Error::kInternal;
  ReadAll(AsBytes("this is a text, not a capture"), &error);
  EXPECT_EQ(error, Error::kMalformed);
}

TEST(RecordReader, AnEmptyFileHasNothing) { EXPECT_TRUE(ReadAll({}).empty()); }

}  // namespace
}  // namespace keymast::net
