// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "base/bytes.h"

namespace keymast::constant_time {

struct Case {
  const char* name;
  void (*run)();
  // Planted cases depend on secrets, so that a check that sees nothing is noticed.
  bool is_planted = false;
};

std::span<const Case> Cases();

// MarkSecret makes valgrind follow these octets, MarkPublic ends that.
void MarkSecret(MutableBytes octets);
void MarkPublic(MutableBytes octets);

}  // namespace keymast::constant_time
