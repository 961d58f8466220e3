// SPDX-License-Identifier: Apache-2.0
// The same code in two sizes: whatever is bounded by kSmall states both bounds beside each other.
#pragma once

namespace keymast {

// kSmall is true in the objects of libkeymast-receiver alone, which has the limits of a small
// receiver (MIKEYv2 §14). They are linked into one object that keeps its names to itself, so that
// both sizes may stand in one program.
#ifdef KEYMAST_SMALL
inline constexpr bool kSmall = true;
#else
inline constexpr bool kSmall = false;
#endif

}  // namespace keymast
