// SPDX-License-Identifier: Apache-2.0
// Broken invariants end the process; input from outside never does.
#pragma once

namespace keymast {

[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace keymast

// KEYMAST_CHECK aborts, naming the place, when an invariant of ours does not hold. A small receiver
// has no room for names.
#ifdef KEYMAST_SMALL
#define KEYMAST_CHECK(condition) ((condition) ? static_cast<void>(0) : __builtin_trap())
#else
#define KEYMAST_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::keymast::CheckFailed(#condition, __FILE__, __LINE__))
#endif
