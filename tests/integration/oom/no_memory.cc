// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program: from SIGUSR2 on, `new` gives it what KEYMAST_MEMORY_LEFT says, counted
// in allocations, and then nothing any more. A limit of the kernel would do the same to a program
// without a sanitizer; to one that has one this is the nearest that there is.
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <new>

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

// As the C++ library does it.
void* Take(size_t size) {
  void* memory = FromHeap(size);
  while (memory == nullptr) {
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
    memory = FromHeap(size);
  }
  return memory;
}

void* TakeOrNull(size_t size) noexcept {
  try {
    return Take(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

}  // namespace

void* operator new(size_t size) { return Take(size); }
void* operator new[](size_t size) { return Take(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return TakeOrNull(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return TakeOrNull(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
