// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/receiver/heap/heap_calls.h"

#include <atomic>
#include <cerrno>

namespace {
std::atomic<size_t> calls = 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

// A sanitizer has taken malloc's place and tells of each call.
extern "C" void __sanitizer_malloc_hook(const volatile void*, size_t) { ++calls; }
extern "C" void __sanitizer_free_hook(const volatile void*) { ++calls; }

#else

// In front of the C library's, for all shared objects as well.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);

void* malloc(size_t size) {
  ++calls;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  ++calls;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  ++calls;
  return __libc_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  ++calls;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  ++calls;
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
void free(void* memory) {
  ++calls;
  __libc_free(memory);
}
}

#endif

namespace keymast::receiver::library {

size_t HeapCalls() { return calls; }

}  // namespace keymast::receiver::library
