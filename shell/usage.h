// SPDX-License-Identifier: Apache-2.0
// What this process uses of its machine, for metrics.
#pragma once

#include <cstdint>

namespace keymast::shell {

struct Usage {
  double cpu_seconds = 0;
  uint64_t resident_octets = 0;
  uint64_t open_descriptors = 0;
  uint64_t most_descriptors = 0;  // that it may open
  double started = 0;             // Unix time, seconds
};

// MeasureUsage asks the kernel. What it does not say is 0.
Usage MeasureUsage();

}  // namespace keymast::shell
