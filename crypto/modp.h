// SPDX-License-Identifier: Apache-2.0
// Diffie-Hellman modulo a prime, in the groups of RFC 3830 §6.4. Sizes are as crypto/dh.h has them.
#pragma once

#include "crypto/dh.h"

namespace keymast::crypto {

void ModpGenerate(DhGroup group, Rng& rng, MutableBytes private_out, MutableBytes public_out);

// ModpAgree is false for a peer's value outside 2..p-2, which everybody could guess the secret of.
bool ModpAgree(DhGroup group, ByteView private_value, ByteView peer_public, MutableBytes shared);

}  // namespace keymast::crypto
