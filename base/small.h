// SPDX-License-Identifier: Apache-2.0
// The same code in four sizes: whatever is bounded by kSmall states both bounds beside each other.
#pragma once

namespace keymast {

// kSmall is true in the objects of libkeymast-receiver alone, which has the limits of a small
// receiver (MIKEYv2 §14) and no FRAGMENTs. They are linked into one object that
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

// kHasCertificates is false in the small sizes that have no mode by certificate. The one that has
// them leaves keys and certificates to its caller (mikey/v2/small_credentials.h).
#if defined(KEYMAST_SMALL) && !defined(KEYMAST_HAS_CERTIFICATES)
inline constexpr bool kHasCertificates = false;
#else
inline constexpr bool kHasCertificates = true;
#endif

static_assert(kSmall || !kPskOnly);
static_assert(!kPskOnly || !kHasCertificates);

}  // namespace keymast
