// SPDX-License-Identifier: Apache-2.0
// Arithmetic on secp256r1 (SEC 2 §2.4.2), by OpenSSL: for Diffie-Hellman and for private keys.
// OpenSSL looks nothing up by a secret index; it branches on how many words at the top of a number
// are zero, and on sums that come once in 2^128. Of P256Agree's scalar, as in TLS, it leaves a copy
// in freed memory (ecp_nistz256_windowed_mul), which no caller can reach.
#pragma once

#include "crypto/primitives.h"

namespace keymast::crypto {

inline constexpr size_t kP256Scalar = 32;
inline constexpr size_t kP256Point = 65;  // 04 || x || y

// P256Draw draws a scalar, uniform from 1 to n-1.
void P256Draw(Rng& rng, MutableBytes scalar);

// P256Public writes the point of a scalar; false, writing nothing, for one outside 1..n-1.
bool P256Public(ByteView scalar, MutableBytes point);

// P256Agree writes the x coordinate of scalar times peer, 32 octets; false, writing nothing, unless
// the peer's is a point of the curve other than infinity, uncompressed. The curve's cofactor is 1:
// there are no small subgroups. The scalar is from 1 to n-1.
bool P256Agree(ByteView scalar, ByteView peer, MutableBytes x);

}  // namespace keymast::crypto
