// SPDX-License-Identifier: Apache-2.0
#include "demo/frame_code.h"

#include <gtest/gtest.h>

#include <random>

namespace keymast::demo {
namespace {

std::array<int, kBlocks> Lumas(FrameCode code) {
  std::array<int, kBlocks> lumas{};
  const std::array<bool, kBlocks> bits = BlockBits(code);
  for (size_t i = 0; i < kBlocks; ++i) lumas[i] = bits[i] ? 220 : 20;
  return lumas;
}

TEST(FrameCode, ReadsBackEveryNumber) {
  for (uint32_t frame = 0; frame < kFrameLimit; frame += 997) {
    for (const bool is_tail : {false, true}) {
      EXPECT_EQ(ReadBlocks(Lumas({frame, is_tail})), (FrameCode{frame, is_tail}));
    }
  }
  EXPECT_EQ(ReadBlocks(Lumas({kFrameLimit - 1, true})), (FrameCode{kFrameLimit - 1, true}));
}

TEST(FrameCode, GreyIsRefused) {
  for (size_t i = 0; i < kBlocks; ++i) {
    std::array<int, kBlocks> lumas = Lumas({1234, false});
    lumas[i] = 128;
    EXPECT_EQ(ReadBlocks(lumas), std::nullopt) << i;
  }
}

TEST(FrameCode, UpToThreeFlippedBlocksAreRefused) {
  // The CRC's distance over 40 bits is 4: every error of up to three blocks is found.
  const std::array<int, kBlocks> good = Lumas({98765, false});
  for (size_t a = 0; a < kBlocks; ++a) {
    for (size_t b = a; b < kBlocks; ++b) {
      for (size_t c = b; c < kBlocks; ++c) {
        std::array<int, kBlocks> lumas = good;
        for (const size_t i : {a, b, c}) lumas[i] = 240 - good[i];
        EXPECT_EQ(ReadBlocks(lumas), std::nullopt) << a << ' ' << b << ' ' << c;
      }
    }
  }
}

TEST(FrameCode, APictureOfSomethingElseIsRefused) {
  for (const int luma : {0, 255}) {
    std::array<int, kBlocks> flat{};
    flat.fill(luma);
    EXPECT_EQ(ReadBlocks(flat), std::nullopt);
  }
}

TEST(FrameCode, RandomBlocksAreReadOnlyAsOftenAsTheCrcAllows) {
  std::mt19937_64 random(7);
  int read = 0;
  for (int i = 0; i < 100000; ++i) {
    std::array<int, kBlocks> lumas{};
    for (int& luma : lumas) luma = (random() & 1) != 0 ? 255 : 0;
    read += ReadBlocks(lumas) ? 1 : 0;
  }
  EXPECT_LE(read, 5);  // expected 100000 / 2^19 = 0.2
}

}  // namespace
}  // namespace keymast::demo
