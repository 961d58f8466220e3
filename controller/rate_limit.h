// SPDX-License-Identifier: Apache-2.0
// RateLimit is a bucket of failures: whoever sends wrong MACs in another's name costs the server a
// few MACs a second and no more.
#pragma once

#include <algorithm>

#include "base/time.h"

namespace keymast::controller {

class RateLimit {
 public:
  // Allows is false while the bucket is full.
  bool Allows(Instant now) const { return full_until_ - kDepth * kEach < now; }
  // Count adds one failure.
  void Count(Instant now) { full_until_ = std::max(full_until_, now) + kEach; }

 private:
  static constexpr int kDepth = 8;
  static constexpr Duration kEach = std::chrono::milliseconds(250);
  Instant full_until_{};
};

}  // namespace keymast::controller
