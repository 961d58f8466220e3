// SPDX-License-Identifier: Apache-2.0
// RSAES-PKCS1-v1_5's padding (RFC 8017 §7.2): 00 02 || at least 8 octets other than 0 || 00 || M.
// The removal runs in constant time: whoever learns what was wrong with a padding, be it from how
// long the answer takes, can decrypt by asking often enough (Bleichenbacher).
#pragma once

#include "crypto/constant_time.h"
#include "crypto/public_key.h"

namespace keymast::crypto {

inline constexpr size_t kPkcs1Overhead = 11;

// PadPkcs1 fills `block`; the message has at most block.size() - kPkcs1Overhead octets.
void PadPkcs1(ByteView message, Rng& rng, MutableBytes block);

// Pkcs1Message says whether a block is padded well around a message of an allowed length, and that
// length; both are secret, and the length means nothing where `good` is zero.
struct Pkcs1Message {
  Mask good = 0;
  uint32_t size = 0;
};
Pkcs1Message FindPkcs1Message(ByteView block, size_t min_size, size_t max_size);

// TakeTail writes the last `size` octets of `block`, a secret number of at most out.size(), to the
// front of `out`; what follows them in `out` is of no meaning. block.size() >= out.size().
void TakeTail(ByteView block, uint32_t size, MutableBytes out);

// A Substitute is a key and, in its last 4 octets, the choice of the key's length.
using Substitute = SecretKey<kMaxEnvelope + 4>;

// OpenPkcs1 is the message of a block that is padded well around 16 to 128 octets, else the
// substitute. The length of what it returns is the first thing that the outcome shows.
Envelope OpenPkcs1(ByteView block, const Substitute& substitute);

}  // namespace keymast::crypto
