// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/openssl.h"
#include "crypto/public_key.h"

namespace keymast::crypto {

// ReadX509 reads one certificate with a key of any kind: kMalformed, kTrailingOctets, kTooLong.
Result<X509Handle> ReadX509(ByteView der);

}  // namespace keymast::crypto
