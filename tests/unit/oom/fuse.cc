// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/oom/fuse.h"

#include <cstdlib>
#include <new>

#include "base/check.h"
#include "crypto/primitives.h"

namespace {

keymast::oom::Fuse* the_fuse = nullptr;

bool Strikes() {
  if (the_fuse == nullptr || !the_fuse->lit) return false;
  return ++the_fuse->burnt == the_fuse->struck_at;
}

}  // namespace

// Of our libraries (-Wl,--wrap=malloc,--wrap=realloc).
extern "C" {
void* __real_malloc(size_t size);
void* __real_realloc(void* memory, size_t size);
void* __wrap_malloc(size_t size) { return Strikes() ? nullptr : __real_malloc(size); }
void* __wrap_realloc(void* memory, size_t size) {
  return Strikes() ? nullptr : __real_realloc(memory, size);
}
}

namespace {

// As the C++ library does it.
void* Take(size_t size) {
  void* memory = Strikes() ? nullptr : __real_malloc(size);
  while (memory == nullptr) {
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
    memory = __real_malloc(size);
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

// Forms for over-aligned types, which nothing here has, stay as they are.
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

namespace keymast::oom {
namespace {

// As keymastd's main does, before OpenSSL is used by anybody.
[[maybe_unused]] const bool is_asked = [] {
  KEYMAST_CHECK(crypto::AskNewHandler());
  return true;
}();

}  // namespace

void UseFuse(Fuse* fuse) { the_fuse = fuse; }

}  // namespace keymast::oom
