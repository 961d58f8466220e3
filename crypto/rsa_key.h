// SPDX-License-Identifier: Apache-2.0
// What RSA keys of both kinds share.
#pragma once

#include <openssl/types.h>

#include "crypto/public_key.h"

namespace keymast::crypto {

// CheckNumbers is kUnsupportedAlgorithm for a modulus or exponent that we do not take. A long
// public exponent would make verifying as costly as signing.
Status CheckNumbers(const BIGNUM* modulus, const BIGNUM* exponent);

// RawPublic and RawPrivate are RSA without padding (RFC 8017 §5.1), on numbers as long as the
// modulus; false when `in` is not below it. RawPrivate is blinded by OpenSSL.
bool RawPublic(EVP_PKEY* key, ByteView in, MutableBytes out);
bool RawPrivate(EVP_PKEY* key, ByteView in, MutableBytes out);

}  // namespace keymast::crypto
