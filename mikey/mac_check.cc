// SPDX-License-Identifier: Apache-2.0
#include "mikey/mac_check.h"

#include "crypto/secret.h"

// What programs require of the linker (mikey/CMakeLists.txt), and tests look for in what is
// delivered: it stays where nobody names it.
extern "C" {
extern const char keymast_macs_are_checked;
[[gnu::used, gnu::retain]] const char keymast_macs_are_checked = 1;
}

namespace keymast::mikey {

bool MacIsGood(ByteView expected, ByteView received) {
  return crypto::ConstantTimeEqual(expected, received);
}

bool SignatureIsGood(bool verified) { return verified; }

}  // namespace keymast::mikey
