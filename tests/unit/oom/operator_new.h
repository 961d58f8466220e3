// SPDX-License-Identifier: Apache-2.0
// `new` and `delete` of a program or library, out of FromHeap, which whoever includes this once has
// defined. Forms for over-aligned types stay as they are: nothing that is tested has them.
#pragma once

#include <cstdlib>
#include <new>

namespace {

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
