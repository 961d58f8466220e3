// SPDX-License-Identifier: Apache-2.0
// What the kernel says of the machine and of a process.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace keymast::demo {

// CpuTimes are ticks of all processors together since boot.
struct CpuTimes {
  uint64_t idle = 0;
  uint64_t total = 0;
};
CpuTimes ReadCpuTimes();

// IdlePercent is between two readings; 0 when no time has passed.
double IdlePercent(const CpuTimes& from, const CpuTimes& to);

// ResidentBytes is the resident memory of a process; 0 when there is none.
uint64_t ResidentBytes(pid_t pid);

}  // namespace keymast::demo
