// SPDX-License-Identifier: Apache-2.0
// The same code in three sizes: whatever is bounded by kSmall states both bounds beside each other.
#pragma once

namespace keymast {

// kSmall is true in the objects of libkeymast-receiver alone, which has the limits of a small
// receiver (MIKEYv2 §14), no certificates and no FRAGMENTs. They are linked into one object that
// keeps its names to itself, so that several sizes may stand in one program.
#ifdef KEYMAST_SMALL
inline constexpr bool kSmall = true;
#else
inline constexpr bool kSmall = false;
#endif

// kPskOnly is true in the size that has nothing but joins by pre-shared key.
#ifdef KEYMAST_PSK_ONLY
inline constexpr bool kPskOnly = true;
#else
inline constexpr bool kPskOnly = false;
#endif

static_assert(kSmall || !kPskOnly);

}  // namespace keymast
