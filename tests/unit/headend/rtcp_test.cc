// SPDX-License-Identifier: Apache-2.0
#include "headend/rtcp.h"

#include "tests/unit/headend/packets.h"

namespace keymast::headend {
namespace {

constexpr uint64_t kNtp = 0xe0000001'80000000;

Bytes Description() {
  return RtcpPacket(1, 202, {0x11, 0x22, 0x33, 0x44, 1, 3, 'm', 'e', '@', 0, 0, 0});
}
Bytes Goodbye() { return RtcpPacket(1, 203, {0x11, 0x22, 0x33, 0x44}); }

TEST(Rtcp, TheReportIsFoundInACompound) {
  for (const Bytes& compound :
       {EncoderReport(kEncoder, kNtp, 99),
        Joined({EncoderReport(kEncoder, kNtp, 99), Description()}),
        Joined({EncoderReport(kEncoder, kNtp, 99, 3), Description(), Goodbye()}),
        Joined({Description(), EncoderReport(kEncoder, kNtp, 99)})}) {
    const Result<SenderReport> report = ReadSenderReport(compound);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->ssrc, kEncoder);
    EXPECT_EQ(report->ntp, kNtp);
    EXPECT_EQ(report->timestamp, 99u);
  }
}

TEST(Rtcp, WhatHoldsNoReportIsRefused) {
  for (const Bytes& compound : {Description(), Goodbye(), RtcpPacket(0, 201, Bytes(4)),
                                RtcpPacket(1, 206, Bytes(8)), RtcpPacket(0, 204, Bytes(12))}) {
    EXPECT_EQ(ReadSenderReport(compound).error(), Error::kUnexpected);
  }
}

TEST(Rtcp, LengthsMustAddUp) {
  const Bytes compound = Joined({EncoderReport(kEncoder, kNtp, 99, 2), Description()});
  const size_t first = 28 + 48;
  for (size_t length = 0; length < compound.size(); ++length) {
    if (length == first) continue;
    EXPECT_EQ(ReadSenderReport(ByteView(compound).first(length)).error(), Error::kTruncated);
  }
  Bytes blocks = EncoderReport(kEncoder, kNtp, 99);
  blocks[0] |= 5;  // says five, has none
  EXPECT_EQ(ReadSenderReport(blocks).error(), Error::kMalformed);
  Bytes padded = compound;
  padded[0] |= 0x20;  // only the last one may be
  EXPECT_EQ(ReadSenderReport(padded).error(), Error::kMalformed);
  Bytes version = compound;
  version[0] ^= 0x40;
  EXPECT_EQ(ReadSenderReport(version).error(), Error::kUnknownVersion);
}

TEST(Rtcp, EveryFlipIsReadOrRefused) {
  const Bytes compound = Joined({EncoderReport(kEncoder, kNtp, 99, 1), Description()});
  for (size_t bit = 0; bit < compound.size() * 8; ++bit) {
    Bytes flipped = compound;
    flipped[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    static_cast<void>(ReadSenderReport(flipped));
  }
}

TEST(Rtcp, OursIsAReportAndAName) {
  std::array<uint8_t, kMaxSenderReport> out{};
  const size_t length =
      WriteSenderReport(out, {Ssrc(0xa0000001), kNtp, 0x01020304}, {5, 600}, "one");
  EXPECT_EQ(ToHex(ByteView(out).first(length)),
            "80c80006a0000001e0000001800000000102030400000005"
            "00000258"
            "81ca0003a000000101036f6e65000000");
}

TEST(Rtcp, EveryLengthOfNameIsPaddedToWords) {
  for (size_t length = 0; length <= 255; ++length) {
    std::array<uint8_t, kMaxSenderReport> out{};
    const std::string name(length, 'n');
    const size_t size = WriteSenderReport(out, {Ssrc(1), 2, 3}, {}, name);
    EXPECT_EQ(size % 4, 0u);
    EXPECT_EQ(out[size - 1], 0) << "items end with at least one zero";
    EXPECT_EQ(size, 28 + 4 * (1 + size_t{out[30]} * 256 + out[31]));
    EXPECT_TRUE(ReadSenderReport(ByteView(out).first(size)));
  }
}

TEST(Rtcp, CountsWrapAsTheFieldsDo) {
  std::array<uint8_t, kMaxSenderReport> out{};
  WriteSenderReport(out, {}, {(uint64_t{1} << 32) + 5, (uint64_t{1} << 33) + 7}, "");
  EXPECT_EQ(ToHex(ByteView(out).subspan(20, 8)), "0000000500000007");
}

}  // namespace
}  // namespace keymast::headend
