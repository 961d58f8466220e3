// SPDX-License-Identifier: Apache-2.0
// How secrets are let go.
#pragma once

#include <cstddef>

namespace keymast::crypto {

// Wipe clears octets that nothing will read again, which a compiler would leave as they are.
void Wipe(void* octets, size_t size);

}  // namespace keymast::crypto
