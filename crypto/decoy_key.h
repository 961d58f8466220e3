// SPDX-License-Identifier: Apache-2.0
// Public keys to spend as much on as on others.
#pragma once

#include "crypto/public_key.h"

namespace keymast::crypto {

// DecoyKey is of a kind, for signatures of that many octets: of RSA kMinModulusBits / 8 to
// kMaxModulusSize, of the others kEcSignature. Nothing that it verifies is to be believed: who
// knows `rng` may have its private half.
PublicKey DecoyKey(KeyKind kind, size_t signature_size, Rng& rng);

}  // namespace keymast::crypto
