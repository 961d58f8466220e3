// SPDX-License-Identifier: Apache-2.0
// The message that codecs are compared with: pre-shared key, one crypto session, T, SP with 13
// parameters, RAND, KEMAC without encryption and MAC around one TGK. Every codec makes the same 116
// octets of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace keymast::bench {

struct CodecSample {
  // One parameter of SRTP, with a value of one octet (RFC 3830 §6.10.1).
  struct Param {
    uint8_t type;
    uint8_t value;
  };

  static constexpr size_t kOctets = 116;
  static constexpr uint32_t kCsbId = 0x12345678;
  static constexpr uint8_t kPolicy = 0;
  static constexpr uint32_t kSsrc = 0xa0000001;
  static constexpr uint32_t kRoc = 3;
  static constexpr std::array<uint8_t, 8> kTime{0xee, 0xb3, 0x1c, 0x80, 0, 0, 0, 1};  // NTP-UTC
  static constexpr std::array<Param, 13> kParams{{{0, 1},
                                                  {1, 16},
                                                  {2, 1},
                                                  {3, 20},
                                                  {4, 14},
                                                  {5, 0},
                                                  {6, 0},
                                                  {7, 1},
                                                  {8, 1},
                                                  {9, 0},
                                                  {10, 1},
                                                  {11, 10},
                                                  {12, 0}}};
  static constexpr std::array<uint8_t, 16> kRand{1, 2,  3,  4,  5,  6,  7,  8,
                                                 9, 10, 11, 12, 13, 14, 15, 16};
  static constexpr std::array<uint8_t, 16> kTgk{17, 18, 19, 20, 21, 22, 23, 24,
                                                25, 26, 27, 28, 29, 30, 31, 32};
};

}  // namespace keymast::bench
