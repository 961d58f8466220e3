// SPDX-License-Identifier: Apache-2.0
// A tone as RTP, so that a session needs no encoder, and a check at its other end.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/time.h"

namespace keymast::tools {

inline constexpr Duration kToneFrame = std::chrono::milliseconds(20);
inline constexpr size_t kRtpHeader = 12;  // RFC 3550 §5.1

// ToneCodec is one that the tone can be packed in: PCMU (RFC 3551 §4.5.14) or L16 (§4.5.11).
struct ToneCodec {
  std::string_view rtpmap;
  uint8_t payload_type;  // that we offer it under
  uint32_t rate;         // samples a second: the RTP clock
  size_t sample_octets;

  size_t frame_samples() const { return rate / 50; }
  size_t frame_octets() const { return frame_samples() * sample_octets; }
};
std::span<const ToneCodec> ToneCodecs();

// Tone follows from its SSRC and the RTP timestamp alone: whoever receives a packet knows what must
// be in it.
class Tone {
 public:
  Tone(const ToneCodec& codec, Ssrc ssrc);

  // Packet writes an RTP packet of one frame with room behind it, and returns its length.
  size_t Packet(uint8_t payload_type, uint16_t sequence, uint32_t timestamp,
                MutableBytes out) const;
  // IsIt is true for the payload of that frame and nothing else.
  bool IsIt(uint32_t timestamp, ByteView payload) const;

 private:
  void Fill(uint32_t timestamp, MutableBytes payload) const;

  const ToneCodec& codec_;
  Ssrc ssrc_;
  std::vector<int16_t> second_;  // its samples
};

}  // namespace keymast::tools
