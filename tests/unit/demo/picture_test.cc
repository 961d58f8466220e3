// SPDX-License-Identifier: Apache-2.0
#include "demo/picture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace keymast::demo {
namespace {

// Grey gives the luma plane as an rgb24 picture.
Bytes Grey(const YuvPicture& picture) {
  Bytes rgb;
  for (const uint8_t luma : picture.view().first(size_t{kWidth} * kHeight)) {
    rgb.insert(rgb.end(), 3, luma);
  }
  return rgb;
}

TEST(Picture, HasTheSizeOfYuv420) { EXPECT_EQ(YuvPicture().view().size(), 320u * 180 * 3 / 2); }

TEST(Picture, CarriesItsNumber) {
  YuvPicture picture;
  for (const uint32_t frame : {0u, 1u, 24u, 25u, 1499u, 99999u}) {
    picture.Paint({frame, frame > 1000});
    EXPECT_EQ(ReadFrameCode(Grey(picture)), (FrameCode{frame, frame > 1000}));
  }
}

TEST(Picture, NumberSurvivesNoise) {
  std::mt19937 random(3);
  std::normal_distribution<double> noise(0, 40);
  YuvPicture picture;
  for (uint32_t frame = 0; frame < 50; ++frame) {
    picture.Paint({frame, false});
    Bytes rgb = Grey(picture);
    for (uint8_t& value : rgb) {
      value = static_cast<uint8_t>(std::clamp(value + noise(random), 0.0, 255.0));
    }
    EXPECT_EQ(ReadFrameCode(rgb), (FrameCode{frame, false}));
  }
}

TEST(Picture, AGreyedStripIsNotRead) {
  YuvPicture picture;
  picture.Paint({77, false});
  Bytes rgb = Grey(picture);
  std::fill_n(rgb.begin(), kWidth * kBlock * 3, uint8_t{128});
  EXPECT_EQ(ReadFrameCode(rgb), std::nullopt);
}

TEST(Picture, DigitsDifferFromFrameToFrame) {
  YuvPicture a, b;
  a.Paint({8, false});
  b.Paint({1, false});
  // Segment f of the last digit: part of an 8, not of a 1.
  const size_t at = static_cast<size_t>((62 + 15) * kWidth + 28 + 4 * 56 + 3);
  EXPECT_NE(a.view()[at], b.view()[at]);
}

TEST(Thumbnail, AveragesBlocksOfFour) {
  Bytes rgb(kRgbSize);
  for (size_t i = 0; i < rgb.size(); i += 3) {
    rgb[i] = i / 3 % 2 == 0 ? 0 : 200;
    rgb[i + 1] = 50;
  }
  const Bytes thumb = Thumbnail(rgb);
  ASSERT_EQ(thumb.size(), kThumbSize);
  EXPECT_EQ(thumb[0], 100);
  EXPECT_EQ(thumb[1], 50);
  EXPECT_EQ(thumb[kThumbSize - 1], 0);
}

}  // namespace
}  // namespace keymast::demo
