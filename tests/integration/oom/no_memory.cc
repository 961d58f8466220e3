// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program: from SIGUSR2 on, `new` gives it what KEYMAST_MEMORY_LEFT says, counted
// in allocations, and then nothing any more. A limit of the kernel would do the same to a program
// without a sanitizer; to one that has one this is the nearest that there is.
#include <signal.h>

#include <atomic>
#include <cstdlib>

namespace {

std::atomic<bool> ends = false;
std::atomic<long> left = 0;

void OnSignal(int) { ends = true; }

[[gnu::constructor]] void Prepare() {
  const char* text = std::getenv("KEYMAST_MEMORY_LEFT");
  if (text == nullptr) return;
  left = std::strtol(text, nullptr, 10);
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigaction(SIGUSR2, &action, nullptr);
}

void* FromHeap(size_t size) {
  if (ends && --left < 0) return nullptr;
  return std::malloc(size);
}

}  // namespace

#include "tests/unit/oom/operator_new.h"
