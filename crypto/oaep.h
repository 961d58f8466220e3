// SPDX-License-Identifier: Apache-2.0
// RSAES-OAEP's padding (RFC 8017 §7.1) with SHA-256, MGF1-SHA-256 and an empty label, around a
// message whose length both sides know. The removal runs in constant time: whoever learns what was
// wrong with a padding can decrypt by asking often enough (Manger).
#pragma once

#include "crypto/constant_time.h"
#include "crypto/public_key.h"

namespace keymast::crypto {

inline constexpr size_t kOaepOverhead = 66;

// PadOaep fills `block`; the message has at most block.size() - kOaepOverhead octets.
void PadOaep(ByteView message, Rng& rng, MutableBytes block);

// OpenOaep takes the masks off, in place, and says whether the block is padded well around a
// message of just that length, which then is its end. block.size() >= message_size + kOaepOverhead.
Mask OpenOaep(MutableBytes block, size_t message_size);

// OpenOaepKey is the key of a block that is padded well around kOaepKey octets, else the
// substitute.
SecretKey<kOaepKey> OpenOaepKey(MutableBytes block, const SecretKey<kOaepKey>& substitute);

}  // namespace keymast::crypto
