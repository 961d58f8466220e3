// SPDX-License-Identifier: Apache-2.0
// ERRORs are at most one a second to an address (MIKEYv2 §13).
#pragma once

#include "base/time.h"
#include "crypto/primitives.h"

namespace keymast::mikey::v2 {

// ErrorRate counts in a place of fixed size, which addresses share by a secret hash: so an address
// may wait for another's second, and never has more than its own.
class ErrorRate {
 public:
  static constexpr Duration kWait = std::chrono::seconds(1);

  explicit ErrorRate(crypto::Rng& rng) { rng.Fill(key_); }

  bool IsFree(ByteView address, Instant now) const { return now >= free_at_[PlaceOf(address)]; }
  // Takes the second of the address, if it is free.
  bool Take(ByteView address, Instant now) {
    if (!IsFree(address, now)) return false;
    free_at_[PlaceOf(address)] = now + kWait;
    return true;
  }

 private:
  size_t PlaceOf(ByteView address) const {
    return crypto::ShortHash(key_, address) % free_at_.size();
  }

  std::array<uint8_t, 16> key_{};
  std::array<Instant, 1024> free_at_{};
};

}  // namespace keymast::mikey::v2
