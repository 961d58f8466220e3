// SPDX-License-Identifier: Apache-2.0
// Counts what a program takes from the heap by `new`: our code has no other way to it.
#pragma once

#include <cstddef>

namespace keymast::bench {

// Allocations is how often this thread has called `operator new`.
size_t Allocations();

}  // namespace keymast::bench
