// SPDX-License-Identifier: Apache-2.0
// One time line: UTC on CLOCK_BOOTTIME, so that it never goes back, whatever the wall clock does.
#pragma once

#include <chrono>
#include <cstdint>

namespace keymast {

// KeymastTime is nanoseconds since the Unix epoch, UTC, on the anchored time line.
struct KeymastTime {
  using rep = int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<KeymastTime, duration>;
  static constexpr bool is_steady = true;
};

using Instant = KeymastTime::time_point;
using Duration = std::chrono::nanoseconds;

inline constexpr Instant kNever = Instant::max();

inline int64_t ToUnixNanos(Instant t) { return t.time_since_epoch().count(); }
inline Instant FromUnixNanos(int64_t nanos) { return Instant(Duration(nanos)); }

// Clock is passed to whoever needs the time; the core takes instants as arguments instead.
class Clock {
 public:
  virtual ~Clock() = default;
  // Now never goes back, also when the wall clock is set.
  virtual Instant Now() const = 0;
};

}  // namespace keymast
