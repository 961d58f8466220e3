// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_tone.h"

#include <cmath>
#include <numbers>

#include "base/check.h"
#include "base/cursor.h"

namespace keymast::tools {
namespace {

constexpr ToneCodec kCodecs[] = {{"PCMU/8000", 0, 8000, 1}, {"L16/16000", 96, 16000, 2}};
constexpr double kLoudness = 8000;
constexpr uint32_t kLowest = 300;  // Hz
constexpr uint32_t kStep = 40;

// G.711's companding: sign, exponent and mantissa of a biased magnitude, inverted.
uint8_t Ulaw(int16_t sample) {
  constexpr int kBias = 0x84;
  constexpr int kClip = 32635;
  const int sign = sample < 0 ? 0x80 : 0;
  const int magnitude = std::min(std::abs(int{sample}), kClip) + kBias;
  int exponent = 7;
  while (exponent > 0 && (magnitude & (0x80 << exponent)) == 0) --exponent;
  const int mantissa = magnitude >> (exponent + 3) & 0x0f;
  return static_cast<uint8_t>(~(sign | exponent << 4 | mantissa));
}

}  // namespace

std::span<const ToneCodec> ToneCodecs() { return kCodecs; }

Tone::Tone(const ToneCodec& codec, Ssrc ssrc) : codec_(codec), ssrc_(ssrc), second_(codec.rate) {
  const double hertz = kLowest + kStep * (ssrc.value % 16);
  for (size_t i = 0; i < second_.size(); ++i) {
    const double turn = 2 * std::numbers::pi * hertz * static_cast<double>(i) / codec.rate;
    second_[i] = static_cast<int16_t>(std::lround(kLoudness * std::sin(turn)));
  }
}

void Tone::Fill(uint32_t timestamp, MutableBytes payload) const {
  Writer writer(payload);
  for (size_t i = 0; i < codec_.frame_samples(); ++i) {
    const int16_t sample = second_[(uint64_t{timestamp} + i) % second_.size()];
    codec_.sample_octets == 1 ? writer.U8(Ulaw(sample)) : writer.U16(static_cast<uint16_t>(sample));
  }
}

size_t Tone::Packet(uint8_t payload_type, uint16_t sequence, uint32_t timestamp,
                    MutableBytes out) const {
  Writer writer(out);
  writer.U8(0x80);
  writer.U8(payload_type);
  writer.U16(sequence);
  writer.U32(timestamp);
  writer.U32(ssrc_.value);
  Fill(timestamp, writer.Claim(codec_.frame_octets()));
  KEYMAST_CHECK(writer.ok());
  return writer.size();
}

bool Tone::IsIt(uint32_t timestamp, ByteView payload) const {
  if (payload.size() != codec_.frame_octets()) return false;
  Bytes expected(payload.size());
  Fill(timestamp, expected);
  return Equal(expected, payload);
}

}  // namespace keymast::tools
