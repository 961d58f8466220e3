// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/oom/fuse.h"

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

void* FromHeap(size_t size) { return __wrap_malloc(size); }

}  // namespace

#include "tests/unit/oom/operator_new.h"

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
