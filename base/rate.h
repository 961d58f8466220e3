// SPDX-License-Identifier: Apache-2.0
// Token buckets, kept as one instant each.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace keymast {

// Rate is how many may come at once, and how long each of them counts.
struct Rate {
  uint32_t burst = 1;
  Duration each = std::chrono::seconds(1);
};

// Bucket counts what comes at a rate. It is full until `full_until - (burst - 1) * each`.
struct Bucket {
  Instant full_until{};

  bool Allows(const Rate& rate, Instant now) const {
    return full_until <= now + rate.each * (rate.burst - 1);
  }
  void Count(const Rate& rate, Instant now) { full_until = std::max(full_until, now) + rate.each; }
  // Take counts what it allows.
  bool Take(const Rate& rate, Instant now) {
    if (!Allows(rate, now)) return false;
    Count(rate, now);
    return true;
  }
};

}  // namespace keymast
