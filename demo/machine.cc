// SPDX-License-Identifier: Apache-2.0
#include "demo/machine.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace keymast::demo {

CpuTimes ReadCpuTimes() {
  // user nice system idle iowait irq softirq steal (proc(5)); guest times are within user's.
  std::ifstream file("/proc/stat");
  std::string cpu;
  file >> cpu;
  CpuTimes times;
  for (int field = 0; field < 8; ++field) {
    uint64_t ticks = 0;
    file >> ticks;
    times.total += ticks;
    if (field == 3 || field == 4) times.idle += ticks;
  }
  return times;
}

double IdlePercent(const CpuTimes& from, const CpuTimes& to) {
  if (to.total <= from.total) return 0;
  return 100.0 * static_cast<double>(to.idle - from.idle) /
         static_cast<double>(to.total - from.total);
}

uint64_t ResidentBytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  uint64_t size = 0;
  uint64_t resident = 0;
  file >> size >> resident;
  return file ? resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

bool ListsUdpPort(std::istream& table, uint16_t port) {
  // `sl: ADDRESS:PORT ...` behind a line of titles, numbers in hexadecimal (proc(5)).
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string slot;
    std::string local;
    fields >> slot >> local;
    const size_t colon = local.rfind(':');
    if (colon == std::string::npos) continue;
    if (std::strtoul(local.substr(colon + 1).c_str(), nullptr, 16) == port) return true;
  }
  return false;
}

bool UdpPortIsBound(uint16_t port) {
  for (const char* name : {"/proc/net/udp", "/proc/net/udp6"}) {
    std::ifstream table(name);
    if (ListsUdpPort(table, port)) return true;
  }
  return false;
}

}  // namespace keymast::demo
