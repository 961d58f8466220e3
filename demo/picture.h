// SPDX-License-Identifier: Apache-2.0
// Pictures: the generator's in YUV 4:2:0, the decoder's in RGB, and thumbnails of these.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "demo/frame_code.h"

namespace keymast::demo {

// YuvPicture is one raw yuv420p frame: the whole Y plane, then U, then V.
class YuvPicture {
 public:
  YuvPicture() : octets_(kWidth * kHeight * 3 / 2) {}
  // Paint draws the frame's block code, its number in big digits and a sweep that moves on.
  void Paint(FrameCode code);
  ByteView view() const { return octets_; }

 private:
  void FillLuma(int x, int y, int width, int height, uint8_t luma);
  void PaintDigit(int x, int y, int digit);
  Bytes octets_;
};

inline constexpr size_t kRgbSize = size_t{kWidth} * kHeight * 3;
inline constexpr int kThumbWidth = 80;
inline constexpr int kThumbHeight = 45;
inline constexpr size_t kThumbSize = size_t{kThumbWidth} * kThumbHeight * 3;

// ReadFrameCode reads the strip of an rgb24 picture of kRgbSize octets.
std::optional<FrameCode> ReadFrameCode(ByteView rgb);

// Thumbnail averages an rgb24 picture of kRgbSize octets down to kThumbSize octets.
Bytes Thumbnail(ByteView rgb);

}  // namespace keymast::demo
