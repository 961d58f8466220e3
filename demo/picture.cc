// SPDX-License-Identifier: Apache-2.0
#include "demo/picture.h"

#include <algorithm>

namespace keymast::demo {
namespace {

constexpr uint8_t kBlack = 24;
constexpr uint8_t kWhite = 228;
constexpr uint8_t kGround = 72;
constexpr uint8_t kSweep = 120;

constexpr int kDigits = 5;
constexpr int kDigitWidth = 40;
constexpr int kDigitHeight = 80;
constexpr int kDigitPitch = 56;
constexpr int kStroke = 10;
constexpr int kDigitsTop = 62;

// Segments a..g of 0..9, a in the lowest bit.
constexpr std::array<uint8_t, 10> kSegments = {0x3f, 0x06, 0x5b, 0x4f, 0x66,
                                               0x6d, 0x7d, 0x07, 0x7f, 0x6f};
struct Bar {
  int x, y, width, height;
};
constexpr int kHalf = kDigitHeight / 2;
constexpr int kRight = kDigitWidth - kStroke;
constexpr std::array<Bar, 7> kBars = {{{0, 0, kDigitWidth, kStroke},
                                       {kRight, 0, kStroke, kHalf},
                                       {kRight, kHalf, kStroke, kHalf},
                                       {0, kDigitHeight - kStroke, kDigitWidth, kStroke},
                                       {0, kHalf, kStroke, kHalf},
                                       {0, 0, kStroke, kHalf},
                                       {0, kHalf - kStroke / 2, kDigitWidth, kStroke}}};

// Luma of BT.601 in 8-bit fixed point.
int Luma(ByteView rgb, size_t pixel) {
  return (77 * rgb[3 * pixel] + 150 * rgb[3 * pixel + 1] + 29 * rgb[3 * pixel + 2]) >> 8;
}

size_t PixelAt(int x, int y) { return static_cast<size_t>(y) * kWidth + static_cast<size_t>(x); }

}  // namespace

void YuvPicture::FillLuma(int x, int y, int width, int height, uint8_t luma) {
  for (int row = y; row < y + height; ++row) {
    std::fill_n(octets_.begin() + row * kWidth + x, width, luma);
  }
}

void YuvPicture::PaintDigit(int x, int y, int digit) {
  for (size_t segment = 0; segment < kBars.size(); ++segment) {
    if (((kSegments[static_cast<size_t>(digit)] >> segment) & 1) == 0) continue;
    const Bar& bar = kBars[segment];
    FillLuma(x + bar.x, y + bar.y, bar.width, bar.height, kWhite);
  }
}

void YuvPicture::Paint(FrameCode code) {
  const auto number = static_cast<int>(code.frame);
  constexpr int kStripHeight = kBlockRows * kBlock;
  constexpr int kPlane = kWidth * kHeight;
  FillLuma(0, kStripHeight, kWidth, kHeight - kStripHeight, kGround);
  FillLuma(number * 4 % (kWidth - kBlock), kStripHeight, kBlock, kHeight - kStripHeight, kSweep);
  // The colour goes round once in 20 s, so that thumbnails differ at a glance.
  const int phase = number % (20 * kFrameRate) * 96 / (20 * kFrameRate);
  std::fill_n(octets_.begin() + kPlane, kPlane / 4, static_cast<uint8_t>(80 + phase));
  std::fill_n(octets_.begin() + kPlane * 5 / 4, kPlane / 4, static_cast<uint8_t>(176 - phase));

  const std::array<bool, kBlocks> bits = BlockBits(code);
  for (int i = 0; i < kBlocks; ++i) {
    FillLuma(i % kBlockColumns * kBlock, i / kBlockColumns * kBlock, kBlock, kBlock,
             bits[static_cast<size_t>(i)] ? kWhite : kBlack);
  }
  int rest = number;
  for (int place = kDigits - 1; place >= 0; --place, rest /= 10) {
    PaintDigit(28 + place * kDigitPitch, kDigitsTop, rest % 10);
  }
}

std::optional<FrameCode> ReadFrameCode(ByteView rgb) {
  constexpr int kMargin = 4;
  constexpr int kSide = kBlock - 2 * kMargin;
  std::array<int, kBlocks> lumas{};
  for (int i = 0; i < kBlocks; ++i) {
    int sum = 0;
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        sum += Luma(rgb, PixelAt(i % kBlockColumns * kBlock + kMargin + x,
                                 i / kBlockColumns * kBlock + kMargin + y));
      }
    }
    lumas[static_cast<size_t>(i)] = sum / (kSide * kSide);
  }
  return ReadBlocks(lumas);
}

Bytes Thumbnail(ByteView rgb) {
  constexpr int kStep = kWidth / kThumbWidth;
  static_assert(kHeight / kThumbHeight == kStep);
  Bytes thumb;
  thumb.reserve(kThumbSize);
  for (int y = 0; y < kThumbHeight; ++y) {
    for (int x = 0; x < kThumbWidth; ++x) {
      for (size_t colour = 0; colour < 3; ++colour) {
        int sum = 0;
        for (int i = 0; i < kStep * kStep; ++i) {
          sum += rgb[3 * PixelAt(x * kStep + i % kStep, y * kStep + i / kStep) + colour];
        }
        thumb.push_back(static_cast<uint8_t>(sum / (kStep * kStep)));
      }
    }
  }
  return thumb;
}

}  // namespace keymast::demo
