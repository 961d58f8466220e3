// SPDX-License-Identifier: Apache-2.0
// Runs each case and asks valgrind how many errors it found in it: none is right, at least one
// where it was planted.
#include <valgrind/memcheck.h>

#include <cstdio>

#include "crypto/constant_time.h"
#include "tests/constant_time/cases.h"

namespace keymast {

void crypto::Declassify(const void* octets, size_t size) {
  VALGRIND_MAKE_MEM_DEFINED(octets, size);
}
void crypto::Classify(const void* octets, size_t size) {
  VALGRIND_MAKE_MEM_UNDEFINED(octets, size);
}

namespace constant_time {

void MarkSecret(MutableBytes octets) { VALGRIND_MAKE_MEM_UNDEFINED(octets.data(), octets.size()); }
void MarkPublic(MutableBytes octets) { VALGRIND_MAKE_MEM_DEFINED(octets.data(), octets.size()); }

namespace {

bool IsRight(const Case& one) {
  const auto before = VALGRIND_COUNT_ERRORS;
  one.run();
  const auto errors = VALGRIND_COUNT_ERRORS - before;
  const bool right = one.is_planted ? errors != 0 : errors == 0;
  std::printf("%-6s %u reports: %s%s\n", right ? "ok" : "WRONG", static_cast<unsigned>(errors),
              one.name, one.is_planted ? " (planted)" : "");
  return right;
}

int Main() {
  if (RUNNING_ON_VALGRIND == 0) {
    std::fprintf(stderr, "to be run under valgrind\n");
    return 1;
  }
  bool all = true;
  for (const Case& one : Cases()) all = IsRight(one) && all;
  return all ? 0 : 1;
}

}  // namespace
}  // namespace constant_time
}  // namespace keymast

int main() { return keymast::constant_time::Main(); }
