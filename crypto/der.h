// SPDX-License-Identifier: Apache-2.0
// What keys need of DER (X.690 §10): definite lengths in their shortest form, positive integers
// in theirs.
#pragma once

#include "base/cursor.h"
#include "crypto/openssl.h"
#include "crypto/public_key.h"

namespace keymast::crypto {

inline constexpr uint8_t kDerInteger = 0x02;
inline constexpr uint8_t kDerBitString = 0x03;
inline constexpr uint8_t kDerOctetString = 0x04;
inline constexpr uint8_t kDerSequence = 0x30;
inline constexpr uint8_t kDerTagged0 = 0xa0;  // [0] EXPLICIT
inline constexpr uint8_t kDerTagged1 = 0xa1;

// TakeElement is the content of the next element, which has the tag; the reader fails otherwise.
ByteView TakeElement(Reader& reader, uint8_t tag);

// TakeOptional is the content of the next element if that has the tag; else empty, taking nothing.
ByteView TakeOptional(Reader& reader, uint8_t tag);

// TakeOnly is the content of an element with nothing behind it: kMalformed, kTrailingOctets.
Result<ByteView> TakeOnly(ByteView der, uint8_t tag);

// TakeNumber takes an integer above zero, into memory that is cleared; null for all else.
Bignum TakeNumber(Reader& reader);

// KindOfAlgorithm reads the content of an AlgorithmIdentifier (RFC 8017 §A.1, RFC 5480 §2.1.1, RFC
// 8410 §3); nothing for other algorithms and curves.
std::optional<KeyKind> KindOfAlgorithm(ByteView algorithm);

// IsP256Name: the object identifier of secp256r1, with its tag.
bool IsP256Name(ByteView element);

}  // namespace keymast::crypto
