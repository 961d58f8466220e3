// SPDX-License-Identifier: Apache-2.0
#include "srtp/rtcp.h"

#include <gtest/gtest.h>

namespace keymast::srtp {
namespace {

TEST(Rtcp, WhatIsWrittenIsWalked) {
  Bytes room(kMaxDescription + 2 * kRtcpWord);
  Writer writer(room);
  WriteCname(writer, Ssrc(0x01020304), "one");
  WriteRtcpHead(writer, 1, kBye, kRtcpWord);
  writer.U32(0x01020304);
  ASSERT_TRUE(writer.ok());
  // RFC 3550 §6.5, §6.6.
  const Bytes want = {0x81, 202, 0, 3, 1,    2,   3, 4, 1, 3, 'o', 'n',
                      'e',  0,   0, 0, 0x81, 203, 0, 1, 1, 2, 3,   4};
  EXPECT_EQ(Bytes(writer.written().begin(), writer.written().end()), want);

  RtcpWalk walk(want);
  const Result<RtcpPacket> description = walk.Next();
  ASSERT_TRUE(description);
  EXPECT_EQ(description->type, kSourceDescription);
  EXPECT_EQ(description->count, 1);
  EXPECT_EQ(description->body.size(), 12u);
  EXPECT_FALSE(walk.AtEnd());
  ASSERT_TRUE(walk.Next());
  EXPECT_TRUE(walk.AtEnd());
  EXPECT_EQ(walk.Next().error(), Error::kTruncated);
}

TEST(Rtcp, TheLongestNameHasRoom) {
  for (size_t length = 0; length <= kMaxCname; ++length) {
    Bytes room(kMaxDescription);
    Writer writer(room);
    WriteCname(writer, Ssrc(1), std::string(length, 'x'));
    ASSERT_TRUE(writer.ok()) << length;
    // At least one zero octet ends the items.
    EXPECT_EQ(writer.written().back(), 0) << length;
    EXPECT_EQ(writer.size() % kRtcpWord, 0u) << length;
  }
}

TEST(Rtcp, OnlyTheLastPacketMayBePadded) {
  const Bytes first = {0xa0, 201, 0, 1, 0, 0, 0, 1, 0x80, 201, 0, 1, 0, 0, 0, 1};
  EXPECT_EQ(RtcpWalk(first).Next().error(), Error::kMalformed);
  const Bytes last = {0x80, 201, 0, 1, 0, 0, 0, 1, 0xa0, 201, 0, 1, 0, 0, 0, 4};
  RtcpWalk walk(last);
  EXPECT_TRUE(walk.Next());
  EXPECT_TRUE(walk.Next());
  const Bytes other = {0x40, 201, 0, 0};
  EXPECT_EQ(RtcpWalk(other).Next().error(), Error::kUnknownVersion);
}

}  // namespace
}  // namespace keymast::srtp
