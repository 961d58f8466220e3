// SPDX-License-Identifier: Apache-2.0
// Arithmetic on secrets without branches. A mask is all ones (true) or zero (false).
#pragma once

#include <cstddef>
#include <cstdint>

namespace keymast::crypto {

#ifdef KEYMAST_CONSTANT_TIME_CHECK
// The program that marks secrets (tests/constant_time) unmarks these octets, or marks them.
void Declassify(const void* octets, size_t size);
void Classify(const void* octets, size_t size);
#else
inline void Declassify(const void*, size_t) {}
inline void Classify(const void*, size_t) {}
#endif

// Declassified says that everybody may know this value; the call says why.
template <class T>
T Declassified(T value) {
  Declassify(&value, sizeof value);
  return value;
}

using Mask = uint32_t;

// Hidden keeps the optimizer from seeing that a mask has two values and branching on it.
inline Mask Hidden(Mask value) {
  __asm__("" : "+r"(value));
  return value;
}

// All of these take numbers below 2^31.
inline Mask IsLess(uint32_t a, uint32_t b) { return Hidden(0 - ((a - b) >> 31)); }
inline Mask IsZero(uint32_t a) { return IsLess(a, 1); }
inline Mask IsEqual(uint32_t a, uint32_t b) { return IsZero(a ^ b); }
inline uint32_t Choose(Mask mask, uint32_t a, uint32_t b) {
  return (Hidden(mask) & a) | (~Hidden(mask) & b);
}

}  // namespace keymast::crypto
