// SPDX-License-Identifier: Apache-2.0
// Certificates and revocation lists as text (RFC 7468).
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace keymast::crypto {

// PemBlocks is what the blocks of that label hold, in their order; text around them is skipped.
// kMalformed for a block without an end, or of something else than base64.
Result<std::vector<Bytes>> PemBlocks(std::string_view text, std::string_view label);

}  // namespace keymast::crypto
