// SPDX-License-Identifier: Apache-2.0
// The number of a frame as a strip of black and white blocks that survives H.264.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace keymast::demo {

inline constexpr int kWidth = 320;
inline constexpr int kHeight = 180;
inline constexpr int kFrameRate = 25;
inline constexpr int kGopFrames = 25;  // from one picture that can be joined at to the next

// FrameCode is what a picture says of itself. A tail frame is sent so that decoders, which hold
// frames back, give out the last counted one; it is not counted.
struct FrameCode {
  uint32_t frame = 0;  // below 2^20
  bool is_tail = false;
  friend bool operator==(const FrameCode&, const FrameCode&) = default;
};

// The strip: two rows of 20 blocks of 16 x 16, one macroblock each, across the top of the picture.
inline constexpr int kBlock = 16;
inline constexpr int kBlockColumns = kWidth / kBlock;
inline constexpr int kBlockRows = 2;
inline constexpr int kBlocks = kBlockColumns * kBlockRows;
inline constexpr uint32_t kFrameLimit = 1u << 20;

// BlockBits gives the colour of each block (true: white): 3 fixed, 20 of the number, 1 for the
// tail, CRC-16 over those (ITU-T V.41 polynomial, initial value 0xFFFF).
std::array<bool, kBlocks> BlockBits(FrameCode code);

// ReadBlocks takes the mean luma (0-255) of each block's middle. Nothing is returned for a picture
// with a grey block or a wrong CRC: a misread picture cannot be counted as another.
std::optional<FrameCode> ReadBlocks(const std::array<int, kBlocks>& lumas);

}  // namespace keymast::demo
