// SPDX-License-Identifier: Apache-2.0
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdlib>
#include <new>

#include "crypto/primitives.h"

namespace keymast::crypto {
namespace {

// Given asks the new handler, as `new` would, where there is no memory.
template <class Ask>
void* Given(Ask ask) {
  for (;;) {
    if (void* memory = ask(); memory != nullptr) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) return nullptr;
    handler();
  }
}

void* Take(size_t size, const char*, int) {
  if (size == 0) return nullptr;
  return Given([size] { return std::malloc(size); });
}

void Return(void* memory, const char*, int) { std::free(memory); }

void* TakeAnother(void* memory, size_t size, const char* file, int line) {
  if (memory == nullptr) return Take(size, file, line);
  if (size == 0) {
    Return(memory, file, line);
    return nullptr;
  }
  return Given([memory, size] { return std::realloc(memory, size); });
}

}  // namespace

bool AskNewHandler() { return CRYPTO_set_mem_functions(Take, TakeAnother, Return) == 1; }

bool HardenProcess() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  // Under a finite limit the locking of memory to come would make allocations fail later.
  rlimit lockable{};
  getrlimit(RLIMIT_MEMLOCK, &lockable);
  lockable.rlim_cur = lockable.rlim_max;
  const bool is_endless = lockable.rlim_max == RLIM_INFINITY;
  return is_endless && setrlimit(RLIMIT_MEMLOCK, &lockable) == 0 &&
         mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

}  // namespace keymast::crypto
