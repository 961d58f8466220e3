// SPDX-License-Identifier: Apache-2.0
// Histories that no server may give, made of those that one gave: what shows that the checker
// looks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "history.h"

namespace keymast::linear {

struct Mutant {
  std::string what;
  History history;
};

// MutantsOf makes each kind that the history has room for; every one of them must be refused.
std::vector<Mutant> MutantsOf(const History& history);

}  // namespace keymast::linear
