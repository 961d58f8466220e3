// SPDX-License-Identifier: Apache-2.0
// What both halves of the Answerer share.
#pragma once

#include "mikey/v2/answerer.h"

namespace keymast::mikey::v2 {

inline Answerer::Outcome Discard(Error error) {
  return {Err(error), 0, Answerer::Event::kNone, nullptr};
}

inline std::array<uint8_t, kRandOctets> DrawRand(crypto::Rng& rng) {
  std::array<uint8_t, kRandOctets> rand{};
  rng.Fill(rand);
  return rand;
}

inline ErrorNumber NumberOf(Error error) {
  if (error == Error::kNotEntitled) return ErrorNumber::kInvalidId;
  if (error == Error::kUnknownKey) return ErrorNumber::kInvalidCert;
  if (error == Error::kUnsupportedPolicy) return ErrorNumber::kInvalidDt;
  return ErrorNumber::kUnspecified;
}

struct Answerer::Finish {
  ByteView datagram;
  ByteView address;
  Instant now;
  const Message& message;

  bool IsFrom(const Entry& entry) const { return Equal(entry.address.view(), address); }
  // Proves is true for one that brings back what was sent to its address, and nowhere else.
  bool Proves(const Entry& entry) const {
    return IsFrom(entry) && (entry.address_proved || !entry.is_copied);
  }
};

}  // namespace keymast::mikey::v2
