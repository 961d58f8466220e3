// SPDX-License-Identifier: Apache-2.0
// Whether a history is one that a server could have given which does one thing after the other
// (Herlihy and Wing 1990): each operation at one instant between its call and its answer.
#pragma once

#include <string>

#include "history.h"

namespace keymast::linear {

struct Verdict {
  enum class Kind : uint8_t { kLinearizable, kRefused, kGaveUp };
  Kind kind = Kind::kGaveUp;
  uint64_t configurations = 0;  // that the search looked at
  std::string why;              // of one that is not accepted: as far as it could be explained
};

inline constexpr uint64_t kMostConfigurations = 2'000'000;

// Check searches as Wing and Gong do, and looks at no configuration twice (Lowe 2017). The whole
// history is one object: lists, subscribers with their members, key groups and identities tie its
// resources together. Beyond `most` configurations it gives up, which is no pass.
Verdict Check(const History& history, uint64_t most = kMostConfigurations);

}  // namespace keymast::linear
