// SPDX-License-Identifier: Apache-2.0
#include "srtp/index.h"

#include <gtest/gtest.h>

#include <random>

namespace keymast::srtp {
namespace {

// Nearest is RFC 3711 §3.3.1 said another way: of the three candidates, the one that lies closest.
PacketIndex Nearest(PacketIndex highest, uint16_t sequence) {
  const int64_t roc = RocOf(highest).value;
  int64_t best = -1;
  for (const int64_t candidate : {roc - 1, roc, roc + 1}) {
    if (candidate < 0 || candidate > 0xffffffff) continue;
    const int64_t index = candidate << 16 | sequence;
    const int64_t last = static_cast<int64_t>(highest.value);
    if (best < 0 || std::abs(index - last) < std::abs(best - last)) best = index;
  }
  return PacketIndex(static_cast<uint64_t>(best));
}

void ExpectNearest(PacketIndex highest, uint16_t sequence) {
  const PacketIndex guess = EstimateIndex(highest, sequence);
  const PacketIndex want = Nearest(highest, sequence);
  if (guess == want) return;
  // Exactly 2^15 apart both neighbours are as near; appendix A then stays with the current ROC.
  const uint64_t distance =
      guess.value > highest.value ? guess.value - highest.value : highest.value - guess.value;
  EXPECT_TRUE(distance == 0x8000 && RocOf(guess) == RocOf(highest))
      << highest.value << " " << sequence << " -> " << guess.value << ", not " << want.value;
}

TEST(Index, PartsAndWhole) {
  const PacketIndex index = MakeIndex(Roc(0xfedcba98), 0x7654);
  EXPECT_EQ(index.value, 0xfedcba987654u);
  EXPECT_EQ(RocOf(index).value, 0xfedcba98u);
  EXPECT_EQ(SequenceOf(index), 0x7654);
  EXPECT_LE(MakeIndex(Roc(0xffffffff), 0xffff).value, kIndexMask);
}

TEST(Index, EverySequenceNumberAroundEachInterestingPlace) {
  for (const uint32_t roc : {0u, 1u, 2u, 0x7fffffffu, 0xfffffffeu, 0xffffffffu}) {
    for (const int place : {0, 1, 2, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfffd, 0xfffe, 0xffff}) {
      const PacketIndex highest = MakeIndex(Roc(roc), static_cast<uint16_t>(place));
      for (uint32_t sequence = 0; sequence <= 0xffff; ++sequence) {
        ExpectNearest(highest, static_cast<uint16_t>(sequence));
      }
      if (HasFailure()) return;
    }
  }
}

TEST(Index, RandomPairs) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    ExpectNearest(PacketIndex(random() & kIndexMask), static_cast<uint16_t>(random()));
    if (HasFailure()) return;
  }
}

TEST(Index, NeverBelowZeroNorPastTheEnd) {
  EXPECT_EQ(EstimateIndex(MakeIndex(Roc(0), 3), 0xfffe), MakeIndex(Roc(0), 0xfffe));
  EXPECT_EQ(EstimateIndex(MakeIndex(Roc(0xffffffff), 0xfffe), 3), MakeIndex(Roc(0xffffffff), 3));
}

TEST(Index, AcrossAWrapWithReordering) {
  PacketIndex highest = MakeIndex(Roc(7), 0xfffe);
  EXPECT_EQ(EstimateIndex(highest, 1), MakeIndex(Roc(8), 1));
  highest = MakeIndex(Roc(8), 1);
  EXPECT_EQ(EstimateIndex(highest, 0xffff), MakeIndex(Roc(7), 0xffff));
  EXPECT_EQ(EstimateIndex(highest, 2), MakeIndex(Roc(8), 2));
}

}  // namespace
}  // namespace keymast::srtp
