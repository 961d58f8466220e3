// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_rtcp.h"

#include <gtest/gtest.h>

#include "tools/peer_reception.h"
#include "tools/peer_rtcp_timer.h"

namespace keymast::tools {
namespace {

using namespace std::chrono_literals;

const Instant kNow = FromUnixNanos(1'800'000'000'500'000'000);

Bytes Octets(std::string_view hex) {
  Bytes octets;
  EXPECT_TRUE(FromHex(hex, octets));
  return octets;
}

Compound Whole() {
  Compound compound;
  compound.ssrc = Ssrc(0x01020304);
  compound.sender = srtp::SenderInfo{0x1122334455667788, 0x99aabbcc, 5, 800};
  compound.blocks = {{Ssrc(0x0a0b0c0d), 64, -2, 0x00010002, 7, 0xdddddddd, 0xeeeeeeee}};
  compound.cname = "abc";
  compound.is_bye = true;
  return compound;
}

// By hand from RFC 3550 §6.4.1, §6.5, §6.6.
constexpr std::string_view kWhole =
    "81c8000c01020304"
    "112233445566778899aabbcc0000000500000320"
    "0a0b0c0d40fffffe0001000200000007ddddddddeeeeeeee"
    "81ca0003010203040103616263000000"
    "81cb000101020304";

TEST(PeerRtcp, EachFieldWhereItStands) {
  const Bytes octets = WriteCompound(Whole());
  EXPECT_EQ(ToHex(octets), kWhole);
  const auto read = ReadCompound(octets);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->ssrc, Ssrc(0x01020304));
  EXPECT_EQ(read->sender->ntp, 0x1122334455667788);
  EXPECT_EQ(read->sender->octets, 800u);
  ASSERT_EQ(read->blocks.size(), 1u);
  EXPECT_EQ(read->blocks[0].lost, -2);
  EXPECT_EQ(read->blocks[0].fraction_lost, 64);
  EXPECT_EQ(read->blocks[0].delay, 0xeeeeeeee);
  EXPECT_EQ(read->cname, "abc");
  EXPECT_TRUE(read->is_bye);
}

TEST(PeerRtcp, AReceiverReportOfNothing) {
  Compound compound;
  compound.ssrc = Ssrc(9);
  compound.cname = "abcd";  // with its head a word and a half: two zero octets behind it
  const Bytes octets = WriteCompound(compound);
  EXPECT_EQ(ToHex(octets),
            "80c900010000000981ca000300000009010461626364"
            "0000");
  const auto read = ReadCompound(octets);
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->sender);
  EXPECT_FALSE(read->is_bye);
  EXPECT_TRUE(read->blocks.empty());
}

TEST(PeerRtcp, EveryTruncationIsRefused) {
  const Bytes octets = WriteCompound(Whole());
  for (size_t size = 0; size < octets.size(); ++size) {
    const auto read = ReadCompound(ByteView(octets).first(size));
    // Up to SDES is a whole compound packet, only without BYE.
    EXPECT_EQ(read.has_value(), size == octets.size() - 8) << size;
  }
}

TEST(PeerRtcp, WhatIsNoCompoundPacket) {
  const auto refused = [](std::string_view hex) {
    const auto read = ReadCompound(Octets(hex));
    return read ? Error::kInternal : read.error();
  };
  EXPECT_EQ(refused("81ca0003010203040103616263000000"), Error::kUnexpected);  // SDES first
  EXPECT_EQ(refused("40c9000100000009"), Error::kUnknownVersion);
  EXPECT_EQ(refused("80c9000100000009"), Error::kPayloadMissing);
  EXPECT_EQ(refused("81c9000100000009"), Error::kMalformed);  // a block that is not there
  EXPECT_EQ(refused("a0c900010000000981ca0003000000090103616263000000"), Error::kMalformed);
  EXPECT_EQ(refused("80c900010000000981ca00020000000901ff6162"), Error::kMalformed);
  EXPECT_EQ(refused("80c900010000000982ca0003000000090103616263000000"), Error::kMalformed);
  EXPECT_EQ(refused("80c900010000000981cb0000"), Error::kMalformed);
}

// Others' packets and items: of XR, APP, another source, NAME before CNAME.
TEST(PeerRtcp, WhatIsNotUnderstoodIsPassedOver) {
  const Bytes octets = Octets(
      "80c9000100000009"
      "81c900070000000a000000050000000000000000000000000000000000000000"
      "80cf0001ffffffff"
      "82ca00050000000a01017800"
      "000000090201610101620000"
      "81cb00010000000a");
  const auto read = ReadCompound(octets);
  ASSERT_TRUE(read) << ErrorName(read.error());
  EXPECT_EQ(read->cname, "b");
  EXPECT_TRUE(read->blocks.empty());
  EXPECT_FALSE(read->is_bye);
}

TEST(PeerRtcp, NtpBeginsIn1900) {
  EXPECT_EQ(NtpOf(FromUnixNanos(0)), uint64_t{2'208'988'800} << 32);
  EXPECT_EQ(NtpOf(kNow), uint64_t{2'208'988'800 + 1'800'000'000} << 32 | 0x80000000);
  EXPECT_EQ(MiddleOf(0x1122334455667788), 0x33445566u);
}

TEST(RtpReception, LossByWhatWasDue) {
  RtpReception reception(8000);
  RtpReception::Prior prior;
  for (const uint16_t sequence : std::initializer_list<uint16_t>{65534, 65535, 1, 2}) {
    reception.OnPacket(sequence, sequence, kNow);
  }
  EXPECT_TRUE(reception.HasNews(prior));
  ReportBlock block = reception.Report(prior);
  EXPECT_EQ(block.highest, 0x10002u);  // it wrapped once
  EXPECT_EQ(block.lost, 1);
  EXPECT_EQ(block.fraction_lost, 256 / 5);
  EXPECT_FALSE(reception.HasNews(prior));
  // The lost one comes late, and two more in time.
  for (const uint16_t sequence : std::initializer_list<uint16_t>{0, 3, 4}) {
    reception.OnPacket(sequence, sequence, kNow);
  }
  block = reception.Report(prior);
  EXPECT_EQ(block.lost, 0);
  EXPECT_EQ(block.fraction_lost, 0);  // not below it
}

TEST(RtpReception, EachReporterHasItsOwnInterval) {
  RtpReception reception(8000);
  RtpReception::Prior one;
  RtpReception::Prior other;
  reception.OnPacket(1, 0, kNow);
  static_cast<void>(reception.Report(one));
  reception.OnPacket(3, 0, kNow);
  EXPECT_EQ(reception.Report(one).fraction_lost, 128);
  EXPECT_EQ(reception.Report(other).fraction_lost, 85);
}

// RFC 3550 §6.4.1: J += (|D| - J) / 16.
TEST(RtpReception, JitterIsTheMeanChangeOfTheTransit) {
  RtpReception reception(8000);
  RtpReception::Prior prior;
  Instant at = kNow;
  for (uint16_t i = 0; i < 50; ++i, at += 20ms) reception.OnPacket(i, i * 160u, at);
  EXPECT_EQ(reception.Report(prior).jitter, 0u);
  reception.OnPacket(50, 50 * 160u, at + 20ms);  // 160 units late
  EXPECT_EQ(reception.Report(prior).jitter, 10u);
  for (uint16_t i = 51; i < 400; ++i) {
    at += 20ms;
    reception.OnPacket(i, i * 160u, at + (i % 2 == 0 ? 0ms : 10ms));
  }
  EXPECT_NEAR(reception.Report(prior).jitter, 80, 2);
}

TEST(RtpReception, TimestampsOfYears) {
  EXPECT_EQ(TimestampsIn(1500ms, 8000), 12000u);
  EXPECT_EQ(TimestampsIn(std::chrono::hours(24 * 3650), 90000),
            static_cast<uint32_t>(uint64_t{24} * 3650 * 3600 * 90000));
}

double SecondsOf(Duration duration) { return std::chrono::duration<double>(duration).count(); }

TEST(RtcpInterval, TheLeastOneAndTheBandwidth) {
  const RtcpLoad two{2, 2, 400, 150};
  EXPECT_DOUBLE_EQ(SecondsOf(RtcpInterval(two, true, false)), 5);
  EXPECT_DOUBLE_EQ(SecondsOf(RtcpInterval(two, true, true)), 2.5);
  const RtcpLoad many{100, 10, 400, 150};  // senders share a quarter
  EXPECT_DOUBLE_EQ(SecondsOf(RtcpInterval(many, true, false)), 150 * 10 / 100.0);
  EXPECT_DOUBLE_EQ(SecondsOf(RtcpInterval(many, false, false)), 150 * 90 / 300.0);
  const RtcpLoad talkative{100, 50, 400, 150};  // all alike
  EXPECT_DOUBLE_EQ(SecondsOf(RtcpInterval(talkative, false, false)), 150 * 100 / 400.0);
  EXPECT_DOUBLE_EQ(SecondsOf(RtcpInterval({1, 0, 0, 150}, false, false)), 5);
}

TEST(RtcpTimer, BetweenHalfAndOneAndAHalf) {
  crypto::SeededRng rng(3);
  const RtcpLoad two{2, 2, 400, 150};
  for (int i = 0; i < 200; ++i) {
    RtcpTimer timer(two, true, kNow, rng);
    const double first = SecondsOf(timer.next() - kNow);
    EXPECT_GE(first, 2.5 * 0.5 / 1.21828 - 1e-6);
    EXPECT_LE(first, 2.5 * 1.5 / 1.21828 + 1e-6);
    Instant now = timer.next();
    while (!timer.Expire(two, true, now, rng)) now = timer.next();
    const double second = SecondsOf(timer.next() - now);
    EXPECT_GE(second, 5 * 0.5 / 1.21828 - 1e-6);
    EXPECT_LE(second, 5 * 1.5 / 1.21828 + 1e-6);
  }
}

TEST(RtcpTimer, MoreMembersMakeItWaitAndALeaveSooner) {
  crypto::SeededRng rng(3);
  RtcpTimer timer({2, 2, 400, 150}, true, kNow, rng);
  const RtcpLoad many{200, 200, 400, 150};  // 75 s
  EXPECT_FALSE(timer.Expire(many, true, timer.next(), rng));
  const Duration wait = timer.next() - kNow;
  EXPECT_GE(SecondsOf(wait), 30);
  timer.Leave(300, kNow);  // no fewer
  EXPECT_EQ(timer.next() - kNow, wait);
  timer.Leave(100, kNow);
  EXPECT_NEAR(SecondsOf(timer.next() - kNow), SecondsOf(wait) / 2, 1e-6);
}

}  // namespace
}  // namespace keymast::tools
