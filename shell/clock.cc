// SPDX-License-Identifier: Apache-2.0
#include <ctime>

#include "base/check.h"
#include "shell/process.h"

namespace keymast::shell {
namespace {

int64_t Nanos(clockid_t clock) {
  timespec now{};
  KEYMAST_CHECK(clock_gettime(clock, &now) == 0);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

// Both clocks are read one after the other; of a few tries the quickest is the truest.
ClockReading ReadClocks() {
  int64_t best_gap = INT64_MAX;
  ClockReading best;
  for (int i = 0; i < 8; ++i) {
    const int64_t before = Nanos(CLOCK_BOOTTIME);
    const int64_t wall = Nanos(CLOCK_REALTIME);
    const int64_t gap = Nanos(CLOCK_BOOTTIME) - before;
    if (gap >= best_gap) continue;
    best_gap = gap;
    best = {before + gap / 2, wall};
  }
  return best;
}

SystemClock::SystemClock() : line_(ReadClocks()) {}

Instant SystemClock::Now() const { return line_.At(Nanos(CLOCK_BOOTTIME)); }

int64_t SystemClock::ToBoottime(Instant instant) const { return line_.BoottimeOf(instant); }

}  // namespace keymast::shell
