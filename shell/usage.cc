// SPDX-License-Identifier: Apache-2.0
#include "shell/usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "shell/process.h"

namespace keymast::shell {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// Field of a file of the kernel whose fields are parted by spaces, from 1. Of /proc/self/stat the
// second is a name in parentheses, which in none of our programs has a space.
uint64_t Field(const char* path, int number) {
  std::ifstream file(path);
  std::string word;
  for (int i = 0; i < number; ++i) file >> word;
  return std::strtoull(word.c_str(), nullptr, 10);
}

// Measured once: the clock is set, and a start stays where it was.
double StartTime() {
  constexpr int kStartTicks = 22;  // proc(5), since the machine's start
  const auto ticks = static_cast<double>(Field("/proc/self/stat", kStartTicks));
  const ClockReading now = ReadClocks();
  return static_cast<double>(now.wall - now.boottime) / 1e9 +
         ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

uint64_t OpenDescriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator all("/proc/self/fd", error);
  // One of them is that of the listing itself.
  return error ? 0
               : static_cast<uint64_t>(
                     std::max<ptrdiff_t>(std::distance(begin(all), end(all)) - 1, 0));
}

}  // namespace

Usage MeasureUsage() {
  Usage usage;
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  usage.cpu_seconds = Seconds(used.ru_utime) + Seconds(used.ru_stime);
  usage.resident_octets =
      Field("/proc/self/statm", 2) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  usage.open_descriptors = OpenDescriptors();
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  usage.most_descriptors = limit.rlim_cur;
  static const double started = StartTime();
  usage.started = started;
  return usage;
}

}  // namespace keymast::shell
