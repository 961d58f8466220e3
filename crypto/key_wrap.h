// SPDX-License-Identifier: Apache-2.0
// AES-256 key wrap with padding (RFC 5649), as Suite has it.
#pragma once

#include "crypto/primitives.h"

namespace keymast::crypto {

void KeyWrap(ByteView key, ByteView plain, MutableBytes out);
Result<size_t> KeyUnwrap(ByteView key, ByteView wrapped, MutableBytes out);

}  // namespace keymast::crypto
