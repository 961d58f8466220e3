// SPDX-License-Identifier: Apache-2.0
// Memory that ends at a chosen allocation: all that this program and its libraries take by `new`,
// and what our code takes by `malloc`, which is how OpenSSL gets its own.
#pragma once

#include <atomic>
#include <cstdint>

namespace keymast::oom {

// Fuse lies in memory that two processes share: one burns it, the other lights it and looks on.
struct Fuse {
  std::atomic<bool> lit = false;
  std::atomic<uint64_t> burnt = 0;    // allocations since it was lit
  std::atomic<uint64_t> struck_at{};  // the one that is given nothing; 0: none is
  bool HasStruck() const { return struck_at != 0 && burnt >= struck_at; }
};

// UseFuse has the allocations of this process, in all its threads, burn it.
void UseFuse(Fuse* fuse);

}  // namespace keymast::oom
