// SPDX-License-Identifier: Apache-2.0
#include "shell/out_of_memory.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <new>

namespace keymast::shell {
namespace {

const char* the_program = "keymast";

// As Log writes it, but nothing here takes memory: neither the log nor the C library's calendar,
// which reads a file, is asked.
void WriteLine() {
  using std::chrono::floor;
  const auto now = floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto day = floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(now - day);
  std::array<char, 256> line{};
  const int size = std::snprintf(
      line.data(), line.size(),
      "{\"time\":\"%04d-%02u-%02uT%02d:%02d:%02d.%03dZ\",\"level\":\"error\",\"program\":\"%s\","
      "\"event\":\"out_of_memory\",\"reason\":\"no memory is left: this process ends, and is to be "
      "started again\"}\n",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
      static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
      static_cast<int>(time.subseconds().count()), the_program);
  if (size <= 0) return;
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, line.data(), std::strlen(line.data()));
}

[[noreturn]] void End() {
  static std::atomic_flag ending;
  // Whoever comes second waits for its end.
  while (ending.test_and_set()) pause();
  WriteLine();
  _exit(kOutOfMemory);
}

}  // namespace

void EndWhenOutOfMemory(const char* program) {
  the_program = program;
  std::set_new_handler(End);
}

}  // namespace keymast::shell
