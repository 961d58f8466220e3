// SPDX-License-Identifier: Apache-2.0
// GStreamer's gstmikey with the message of codec_sample.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace keymast::bench {

// PeerGstMikey is its library, ready.
class PeerGstMikey {
 public:
  PeerGstMikey();

  // Octets is what it makes of the sample.
  std::vector<uint8_t> Octets() const;
  // Parse reads octets `count` times, and frees what it read.
  void Parse(std::span<const uint8_t> octets, size_t count) const;
  // Build makes the sample of its values `count` times: there is no way to the octets but through
  // an object that owns a copy of each.
  void Build(size_t count) const;
};

}  // namespace keymast::bench
