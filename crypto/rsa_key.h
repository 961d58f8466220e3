// SPDX-License-Identifier: Apache-2.0
// What public and private RSA keys share.
#pragma once

#include "crypto/openssl.h"
#include "crypto/public_key.h"

namespace keymast::crypto {

// CheckNumbers is kUnsupportedAlgorithm for a modulus or exponent that we do not take. A long
// public exponent would make verifying as costly as signing.
Status CheckNumbers(const BIGNUM* modulus, const BIGNUM* exponent);

// Import makes OpenSSL's key of numbers and their names; null when it refuses them. `selection` is
// as ImportKey has it.
EVP_PKEY* Import(int selection, std::span<const char* const> names,
                 std::span<const Bignum> numbers);

// RawPublic and RawPrivate are RSA without padding (RFC 8017 §5.1), on numbers as long as the
// modulus; false when `in` is not below it. RawPrivate is blinded by OpenSSL.
bool RawPublic(EVP_PKEY* key, ByteView in, MutableBytes out);
bool RawPrivate(EVP_PKEY* key, ByteView in, MutableBytes out);

}  // namespace keymast::crypto
