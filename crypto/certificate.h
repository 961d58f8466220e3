// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/openssl.h"
#include "crypto/public_key.h"

namespace keymast::crypto {

// ReadX509 reads one certificate with a key of any kind: kMalformed, kTrailingOctets, kTooLong.
Result<X509Handle> ReadX509(ByteView der);

// InstantOf a time; kNever for one that is none (RFC 5280 §4.1.2.5).
Instant InstantOf(const ASN1_TIME* time);

}  // namespace keymast::crypto
