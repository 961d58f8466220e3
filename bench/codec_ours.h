// SPDX-License-Identifier: Apache-2.0
// The room `mikey` with the message of codec_sample.h.
#pragma once

#include "base/bytes.h"

namespace keymast::bench {

// BuildSample writes the sample from its parts, and returns how many octets it has.
size_t BuildSample(MutableBytes out);

// ReadSample reads all that the octets of the sample say: header with its map entry, T, SP with
// each parameter, RAND, KEMAC and the key in it. Returns a sum over it, so that nothing is left
// out.
size_t ReadSample(ByteView octets);

}  // namespace keymast::bench
