// SPDX-License-Identifier: Apache-2.0
// What the compiler's own code would ask of a C++ runtime, which a C program does not have. The
// names stay inside the library.
#include <cstddef>
#include <new>

// A virtual destructor names it; nothing is made by `new`.
// NOLINTBEGIN(cert-dcl54-cpp)
void operator delete(void*, size_t) noexcept { __builtin_trap(); }
void operator delete(void*) noexcept { __builtin_trap(); }
// NOLINTEND(cert-dcl54-cpp)

// In place of a virtual function that is not defined.
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the ABI's name
extern "C" void __cxa_pure_virtual() { __builtin_trap(); }
