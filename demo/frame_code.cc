// SPDX-License-Identifier: Apache-2.0
#include "demo/frame_code.h"

namespace keymast::demo {
namespace {

constexpr int kNumberBits = 20;
constexpr int kCrcBits = 16;
constexpr uint64_t kFixed = 0b101;
constexpr int kDarkest = 255 * 2 / 5;
constexpr int kBrightest = 255 * 3 / 5;

// Payload is fixed bits, number and tail, as the top 24 bits of the word.
constexpr int kPayloadBits = 3 + kNumberBits + 1;
static_assert(kPayloadBits + kCrcBits == kBlocks);

uint64_t Payload(FrameCode code) {
  return (kFixed << (kNumberBits + 1)) | (uint64_t{code.frame % kFrameLimit} << 1) |
         (code.is_tail ? 1u : 0u);
}

uint64_t Crc(uint64_t payload) {
  uint32_t crc = 0xffff;
  for (int bit = kPayloadBits - 1; bit >= 0; --bit) {
    const bool in = ((payload >> bit) & 1) != 0;
    const bool top = (crc & 0x8000) != 0;
    crc = (crc << 1) & 0xffff;
    if (in != top) crc ^= 0x1021;
  }
  return crc;
}

}  // namespace

std::array<bool, kBlocks> BlockBits(FrameCode code) {
  const uint64_t payload = Payload(code);
  const uint64_t word = (payload << kCrcBits) | Crc(payload);
  std::array<bool, kBlocks> bits{};
  for (size_t i = 0; i < kBlocks; ++i) bits[i] = ((word >> (kBlocks - 1 - i)) & 1) != 0;
  return bits;
}

std::optional<FrameCode> ReadBlocks(const std::array<int, kBlocks>& lumas) {
  uint64_t word = 0;
  for (const int luma : lumas) {
    if (luma > kDarkest && luma < kBrightest) return std::nullopt;
    word = (word << 1) | (luma >= kBrightest ? 1u : 0u);
  }
  const uint64_t payload = word >> kCrcBits;
  if ((word & 0xffff) != Crc(payload) || payload >> (kNumberBits + 1) != kFixed) {
    return std::nullopt;
  }
  return FrameCode{static_cast<uint32_t>(payload >> 1) % kFrameLimit, (payload & 1) != 0};
}

}  // namespace keymast::demo
