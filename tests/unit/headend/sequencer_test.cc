// SPDX-License-Identifier: Apache-2.0
#include "headend/sequencer.h"

#include <set>

#include "crypto/rng.h"
#include "tests/unit/headend/packets.h"

namespace keymast::headend {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr PacketIndex kNoEnd{uint64_t{1} << 48};

struct Sequencing : testing::Test {
  Result<Placement> Place(int sequence, uint32_t timestamp = 0, Ssrc ssrc = kEncoder) {
    RtpHeader header;
    header.sequence = static_cast<uint16_t>(sequence);
    header.timestamp = timestamp;
    header.ssrc = ssrc;
    return sequencer.Place(header, end, now);
  }
  uint64_t IndexOf(int sequence) {
    const auto placed = Place(sequence);
    EXPECT_TRUE(placed) << sequence << ": " << ErrorName(placed.error());
    return placed ? placed->index.value : 0;
  }
  Sequencer sequencer{PacketIndex(65000), 90000};
  PacketIndex end = kNoEnd;
  Instant now{seconds(1000)};
};

TEST_F(Sequencing, RisesByOneThroughBothWraps) {
  for (int i = 0; i < 200'000; ++i) {
    ASSERT_EQ(IndexOf(40'000 + i), 65000u + static_cast<uint64_t>(i));
  }
  EXPECT_EQ(sequencer.restarts(), 0u);
}

TEST_F(Sequencing, WhatTheEncoderLostStaysLost) {
  EXPECT_EQ(IndexOf(10), 65000u);
  EXPECT_EQ(IndexOf(13), 65003u);
  EXPECT_EQ(IndexOf(13 + Sequencer::kMaxDropout), 65003u + Sequencer::kMaxDropout);
}

TEST_F(Sequencing, ALatePacketFillsItsOwnGapOnce) {
  IndexOf(10);
  IndexOf(13);
  EXPECT_EQ(IndexOf(12), 65002u);
  EXPECT_EQ(Place(12), Err(Error::kReplayed));
  EXPECT_EQ(IndexOf(11), 65001u);
  EXPECT_EQ(IndexOf(14), 65004u);
  EXPECT_EQ(sequencer.next(), PacketIndex(65005));
}

TEST_F(Sequencing, NothingFillsWhatLayBeforeTheFirstPacket) {
  IndexOf(10);
  EXPECT_EQ(Place(9), Err(Error::kReplayed)) << "65,000 - 1 may have been used by a former process";
}

TEST_F(Sequencing, DuplicatesAreRefused) {
  for (int i = 0; i < 20; ++i) IndexOf(i);
  for (int i = 0; i < 20; i += 2) EXPECT_EQ(Place(i), Err(Error::kReplayed));
  EXPECT_EQ(IndexOf(20), 65020u);
}

TEST_F(Sequencing, ARestartNeverMovesTheIndexBack) {
  IndexOf(5000);
  EXPECT_EQ(Place(1, 0, Ssrc(9))->index, PacketIndex(65002)) << "one is left out";
  EXPECT_EQ(Place(2, 0, Ssrc(9))->index, PacketIndex(65003));
  EXPECT_EQ(Place(39'999, 0, Ssrc(9)), Err(Error::kReplayed)) << "one alone may be a stray";
  EXPECT_EQ(Place(40'000, 0, Ssrc(9))->index, PacketIndex(65005)) << "a jump ahead";
  EXPECT_EQ(Place(99, 0, Ssrc(9)), Err(Error::kReplayed));
  EXPECT_EQ(Place(100, 0, Ssrc(9))->index, PacketIndex(65007)) << "and back";
  EXPECT_EQ(Place(99, 0, Ssrc(9)), Err(Error::kReplayed)) << "no gap of this sequence";
  EXPECT_EQ(sequencer.restarts(), 3u);
}

TEST_F(Sequencing, AnEncoderThatBeginsWithTheSameNumbersIsBelievedAtItsSecondPacket) {
  for (int i = 0; i < 30; ++i) IndexOf(i);
  EXPECT_EQ(Place(0, 500'000), Err(Error::kReplayed));
  EXPECT_EQ(Place(1, 500'000)->index, PacketIndex(65031));
  EXPECT_EQ(Place(2, 503'000)->index, PacketIndex(65032));
  EXPECT_EQ(sequencer.restarts(), 1u);
}

TEST_F(Sequencing, OneThatAlsoRepeatsItsTimestampsGoesOnWhereItPassesThem) {
  for (int i = 0; i < 30; ++i) Place(i, static_cast<uint32_t>(i) * 3000);
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(Place(i, static_cast<uint32_t>(i) * 3000), Err(Error::kReplayed)) << i;
  }
  EXPECT_EQ(IndexOf(30), 65030u);
  EXPECT_EQ(sequencer.restarts(), 0u);
}

// A mirrored port, or the two ways of SMPTE ST 2022-7, deliver each packet twice.
TEST_F(Sequencing, PicturesThatComeTwiceGoOutOnce) {
  for (const int burst : {5, 63, 64, 65, 200, 1000}) {
    sequencer = Sequencer(PacketIndex(65000), 90000);
    uint64_t next = 65000;
    for (int picture = 0; picture < 250; ++picture) {
      const auto timestamp = static_cast<uint32_t>(picture) * 3600;
      const int first = 60'000 + picture * burst;
      for (int i = 0; i < burst; ++i) {
        const auto placed = Place(first + i, timestamp);
        ASSERT_TRUE(placed) << burst << ": " << picture << "/" << i;
        ASSERT_EQ(placed->index.value, next++);
        ASSERT_EQ(placed->timestamp, timestamp);
      }
      for (int i = 0; i < burst; ++i) {
        ASSERT_EQ(Place(first + i, timestamp), Err(Error::kReplayed)) << burst << "/" << i;
      }
    }
    EXPECT_EQ(sequencer.restarts(), 0u) << burst;
  }
}

TEST_F(Sequencing, ThePacketsOfASlowerWayAreDuplicatesHoweverFarBehind) {
  for (const int behind : {1, 63, 64, 80, 500, 5000}) {
    sequencer = Sequencer(PacketIndex(65000), 90000);
    for (int i = 0; i < 10'000; ++i) {
      ASSERT_EQ(Place(i, static_cast<uint32_t>(i) * 90)->index.value,
                65000u + static_cast<uint64_t>(i));
      if (i < behind) continue;
      ASSERT_EQ(Place(i - behind, static_cast<uint32_t>(i - behind) * 90), Err(Error::kReplayed));
    }
    EXPECT_EQ(sequencer.restarts(), 0u) << behind;
  }
}

TEST_F(Sequencing, WhatOneWayLostAndTheOtherBringsTooLateIsNoRestart) {
  for (int i = 0; i < 500; ++i) {
    if (i < 300 || i >= 310) Place(i, static_cast<uint32_t>(i) * 90);
  }
  for (int i = 300; i < 310; ++i) {
    EXPECT_EQ(Place(i, static_cast<uint32_t>(i) * 90), Err(Error::kReplayed));
  }
  EXPECT_EQ(IndexOf(500), 65500u);
  EXPECT_EQ(sequencer.restarts(), 0u);
}

TEST_F(Sequencing, ANumberOutOfReachIsBelievedWhenTheNextOneFollows) {
  for (int i = 0; i < 5000; ++i) Place(i, static_cast<uint32_t>(i) * 90);
  EXPECT_EQ(Place(100, 9000), Err(Error::kReplayed));
  EXPECT_EQ(IndexOf(5000), 70'000u) << "the sequence goes on: that one was a stray";
  EXPECT_EQ(Place(101, 9090), Err(Error::kReplayed));
  EXPECT_EQ(Place(30'000), Err(Error::kReplayed));
  EXPECT_EQ(sequencer.restarts(), 0u);
  EXPECT_EQ(IndexOf(30'001), 70'002u);
  EXPECT_EQ(IndexOf(30'002), 70'003u);
  EXPECT_EQ(sequencer.restarts(), 1u);
}

TEST_F(Sequencing, ARestartThatFindsNoIndexIsBelievedLater) {
  for (int i = 0; i < 5000; ++i) IndexOf(i);
  end = PacketIndex(70'001);
  EXPECT_EQ(Place(100), Err(Error::kReplayed));
  EXPECT_EQ(Place(101), Err(Error::kUnavailable));
  EXPECT_EQ(Place(102), Err(Error::kUnavailable));
  end = kNoEnd;
  EXPECT_EQ(IndexOf(103), 70'001u);
}

TEST_F(Sequencing, TimestampsAreTheEncodersAtFirst) {
  EXPECT_EQ(Place(1, 0xdeadbeef)->timestamp, 0xdeadbeef);
  EXPECT_EQ(Place(2, 0xdeadbeef + 3000)->timestamp, 0xdeadbeef + 3000);
  EXPECT_EQ(Place(3, 0xdeadbeef + 1500)->timestamp, 0xdeadbeef + 1500) << "B pictures go back";
}

TEST_F(Sequencing, AfterARestartTimestampsGoOnByTheTimeThatPassed) {
  Place(1, 1'000'000);
  now += milliseconds(500);
  EXPECT_EQ(Place(7, 77, Ssrc(9))->timestamp, 1'045'000u);
  EXPECT_EQ(Place(8, 77 + 3000, Ssrc(9))->timestamp, 1'048'000u);
  EXPECT_EQ(sequencer.TimestampOf(Ssrc(9), 77), 1'045'000u);
  EXPECT_EQ(sequencer.TimestampOf(kEncoder, 77), std::nullopt);
  EXPECT_EQ(Place(7, 0, Ssrc(10))->timestamp, 1'048'001u) << "never the same picture";
}

TEST_F(Sequencing, StopsAtTheReservedEndAndGoesOnWhenItMoves) {
  end = PacketIndex(65002);
  EXPECT_EQ(Place(1)->index, PacketIndex(65000));
  EXPECT_EQ(Place(2)->index, PacketIndex(65001));
  EXPECT_EQ(Place(3), Err(Error::kUnavailable));
  EXPECT_EQ(Place(4), Err(Error::kUnavailable));
  end = kNoEnd;
  EXPECT_EQ(Place(5)->index, PacketIndex(65004)) << "what was refused is a loss";
  EXPECT_EQ(sequencer.restarts(), 0u);
}

TEST_F(Sequencing, ALossThatLeadsBeyondTheReservedEndLeavesOneIndexOut) {
  end = PacketIndex(65004);
  EXPECT_EQ(Place(1, 1000)->index, PacketIndex(65000));
  const auto placed = Place(2101, 91'000);
  ASSERT_TRUE(placed) << "what is left above may last for long";
  EXPECT_EQ(placed->index, PacketIndex(65002));
  EXPECT_EQ(placed->timestamp, 91'000u) << "it is the same sequence";
  EXPECT_EQ(Place(2100), Err(Error::kReplayed)) << "no index is left for it";
  EXPECT_EQ(IndexOf(2102), 65003u);
  EXPECT_EQ(Place(2103), Err(Error::kUnavailable));
  EXPECT_EQ(Place(4000), Err(Error::kUnavailable));
  end = kNoEnd;
  EXPECT_EQ(IndexOf(2104), 65005u);
  EXPECT_EQ(sequencer.restarts(), 0u);
}

TEST_F(Sequencing, TheLastIndexIsTheLast) {
  sequencer = Sequencer(PacketIndex((uint64_t{1} << 48) - 1), 90000);
  end = PacketIndex(uint64_t{1} << 48);
  EXPECT_TRUE(Place(1));
  EXPECT_EQ(Place(2), Err(Error::kIndexExhausted));
  EXPECT_EQ(Place(1, 0, Ssrc(3)), Err(Error::kIndexExhausted));
}

// Whatever encoders do, no index is given twice, none below the first and none above the end.
TEST_F(Sequencing, NoIndexTwiceUnderChaos) {
  crypto::SeededRng rng(7);
  std::array<uint8_t, 4> random{};
  std::set<uint64_t> given;
  uint16_t sequence = 65'500;
  uint32_t timestamp = 0;
  end = PacketIndex(67'000);
  for (int i = 0; i < 100'000; ++i) {
    rng.Fill(random);
    const int kind = random[0];
    // Above 240 it may be a duplicate.
    if (kind < 240) timestamp += kind < 180 ? 1 : 1'000'000;
    if (kind < 180) ++sequence;
    if (kind == 240) sequence = static_cast<uint16_t>(sequence + 2500);
    if (random[3] < 4) end = std::max(end, PacketIndex(sequencer.next().value + 2000));
    if (kind == 180) sequence = static_cast<uint16_t>(random[1] << 8 | random[2]);
    if (kind > 180 && kind < 220) sequence = static_cast<uint16_t>(sequence + random[1] % 130 - 65);
    const Ssrc ssrc(kind == 255 ? random[3] : kEncoder.value);
    const auto placed = Place(sequence, timestamp, ssrc);
    if (!placed) continue;
    EXPECT_GE(placed->index.value, 65000u);
    EXPECT_LT(placed->index, end);
    EXPECT_LT(placed->index, sequencer.next());
    EXPECT_TRUE(given.insert(placed->index.value).second) << placed->index.value;
  }
  EXPECT_GT(given.size(), 60'000u);
}

}  // namespace
}  // namespace keymast::headend
