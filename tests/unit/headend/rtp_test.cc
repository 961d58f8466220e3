// SPDX-License-Identifier: Apache-2.0
#include "headend/rtp.h"

#include "tests/unit/headend/packets.h"

namespace keymast::headend {
namespace {

RtpParts Full() {
  RtpParts parts;
  parts.marker = true;
  parts.payload_type = 97;
  parts.sequence = 0xfedc;
  parts.timestamp = 0x89abcdef;
  parts.csrcs = {1, 2, 3};
  parts.extension = Bytes(8, 0x77);
  parts.padding = 5;
  return parts;
}

TEST(Rtp, EveryFieldIsRead) {
  const Bytes packet = Rtp(Full());
  const Result<RtpHeader> header = ReadRtp(packet);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->payload_type, 97);
  EXPECT_EQ(header->sequence, 0xfedc);
  EXPECT_EQ(header->timestamp, 0x89abcdefu);
  EXPECT_EQ(header->ssrc, kEncoder);
  EXPECT_EQ(header->payload, 40u) << "without CSRC list, extension and padding";
}

TEST(Rtp, OnlyThreeFieldsAreWritten) {
  const Bytes before = Rtp(Full());
  Bytes after = before;
  WriteRtp(after, 0x0102, 0x03040506, Ssrc(0x0708090a));
  EXPECT_EQ(ToHex(ByteView(after).first(12)),
            ToHex(ByteView(before).first(2)) + "0102030405060708090a");
  EXPECT_TRUE(Equal(ByteView(after).subspan(12), ByteView(before).subspan(12)));
}

TEST(Rtp, EveryTruncationOfTheHeaderIsRefused) {
  RtpParts parts = Full();
  parts.padding = 0;
  const Bytes packet = Rtp(parts);
  const size_t header = packet.size() - parts.payload.size();
  for (size_t length = 0; length < packet.size(); ++length) {
    const Result<RtpHeader> read = ReadRtp(ByteView(packet).first(length));
    EXPECT_EQ(read.has_value(), length >= header) << length;
    if (!read) {
      EXPECT_EQ(read.error(), Error::kTruncated);
    }
  }
}

TEST(Rtp, PaddingMustFitWhatItPads) {
  RtpParts parts = Full();
  Bytes packet = Rtp(parts);
  const size_t padded = parts.payload.size() + parts.padding;
  for (int last = 0; last < 256; ++last) {
    packet.back() = static_cast<uint8_t>(last);
    const Result<RtpHeader> header = ReadRtp(packet);
    const bool fits = last >= 1 && static_cast<size_t>(last) <= padded;
    EXPECT_EQ(header.has_value(), fits) << last;
    if (header) {
      EXPECT_EQ(header->payload, padded - static_cast<size_t>(last));
    }
  }
  parts.payload.clear();
  parts.padding = 0;
  packet = Rtp(parts);
  packet[0] |= 0x20;
  packet.resize(12 + 12 + 12);  // header, CSRC list and extension, nothing behind them
  packet.back() = 0x77;
  EXPECT_EQ(ReadRtp(packet).error(), Error::kMalformed);
}

TEST(Rtp, EveryFlipIsReadOrRefusedAndNothingElse) {
  const Bytes packet = Rtp(Full());
  for (size_t bit = 0; bit < packet.size() * 8; ++bit) {
    Bytes flipped = packet;
    flipped[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    const Result<RtpHeader> header = ReadRtp(flipped);
    if (bit < 2) {
      EXPECT_TRUE(header.has_value()) << "CSRC count";
    } else if (bit == 6 || bit == 7) {
      EXPECT_EQ(header.error(), Error::kUnknownVersion);
    } else if (header) {
      EXPECT_LE(header->payload, flipped.size() - 12);
    }
  }
}

TEST(Rtp, RtcpIsToldByItsType) {
  for (int second = 0; second < 256; ++second) {
    const Bytes packet = {0x80, static_cast<uint8_t>(second)};
    EXPECT_EQ(IsRtcp(packet), second >= 192 && second <= 223);
  }
  EXPECT_FALSE(IsRtcp(Bytes{}));
  EXPECT_FALSE(IsRtcp(Bytes{0x80}));
}

}  // namespace
}  // namespace keymast::headend
