// SPDX-License-Identifier: Apache-2.0
// The headend's X25519 key: made once, in a file that only its owner may read.
#pragma once

#include <string>

#include "crypto/primitives.h"

namespace keymast::headend {

// MakeKeyFile writes a new private key and returns the public one. A key that is there is left
// alone.
tl::expected<std::array<uint8_t, 32>, Failure> MakeKeyFile(const std::string& path,
                                                           crypto::Rng& rng);

// ReadKeyFile: the message says what to do.
tl::expected<crypto::KeyPair, Failure> ReadKeyFile(const std::string& path);

}  // namespace keymast::headend
