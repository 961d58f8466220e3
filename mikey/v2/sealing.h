// SPDX-License-Identifier: Apache-2.0
// Encr data of a KEMAC by each of the algorithms of version 2, key wrap among them (MIKEYv2 §3.3,
// §4.3).
#pragma once

#include "mikey/v2/contents.h"
#include "mikey/v2/protection.h"

namespace keymast::mikey::v2 {

inline constexpr size_t kMaxSealed = crypto::KeyWrapSize(kMaxPlain);  // octets of Encr data

// SealedSize is the length of Encr data; nothing to say is no octets.
size_t SealedSize(EncrAlg encr, size_t plain);

// Seal fills `out`, SealedSize octets. The protection's algorithm is one of version 2's.
void Seal(const crypto::Suite& suite, const Protection& protection, ByteView plain,
          MutableBytes out);

// Unseal writes the plaintext to the front of `out`, which has as many octets as `sealed` or more,
// and returns its length: kUnsupportedAlgorithm for what is not of version 2, kDecryptionFailed for
// what key wrap did not make.
Result<size_t> Unseal(const crypto::Suite& suite, const Protection& protection, ByteView sealed,
                      MutableBytes out);

}  // namespace keymast::mikey::v2
