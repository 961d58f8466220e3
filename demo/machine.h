// SPDX-License-Identifier: Apache-2.0
// What the kernel says of the machine and of a process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <istream>

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

// ListsUdpPort says whether a table in the form of /proc/net/udp has a socket bound to `port`.
bool ListsUdpPort(std::istream& table, uint16_t port);
// UdpPortIsBound asks this machine's tables, IPv4 and IPv6.
bool UdpPortIsBound(uint16_t port);

}  // namespace keymast::demo
