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

// Both clocks are read one after the other; of a few tries the quickest is the truest.
int64_t MeasureOffset() {
  int64_t best_gap = INT64_MAX;
  int64_t offset = 0;
  for (int i = 0; i < 8; ++i) {
    const int64_t before = Nanos(CLOCK_BOOTTIME);
    const int64_t wall = Nanos(CLOCK_REALTIME);
    const int64_t gap = Nanos(CLOCK_BOOTTIME) - before;
    if (gap >= best_gap) continue;
    best_gap = gap;
    offset = wall - (before + gap / 2);
  }
  return offset;
}

}  // namespace

SystemClock::SystemClock() : utc_minus_boottime_(MeasureOffset()) {}

Instant SystemClock::Now() const {
  return FromUnixNanos(Nanos(CLOCK_BOOTTIME) + utc_minus_boottime_);
}

int64_t SystemClock::ToBoottime(Instant instant) const {
  return ToUnixNanos(instant) - utc_minus_boottime_;
}

}  // namespace keymast::shell
