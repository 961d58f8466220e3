// SPDX-License-Identifier: Apache-2.0
// What the compiler's own code would ask of a C++ runtime, which a C program does not have. The
// names stay inside the library.
#include <cstddef>
#include <new>

// A virtual destructor names it; nothing is made by `new`.
void operator delete(void*, size_t) noexcept { __builtin_trap(); }
void operator delete(void*) noexcept { __builtin_trap(); }

// In place of a virtual function that is not defined.
extern "C" void __cxa_pure_virtual() { __builtin_trap(); }
