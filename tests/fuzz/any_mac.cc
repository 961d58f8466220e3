// SPDX-License-Identifier: Apache-2.0
// In place of mikey/mac_check.cc for fuzz targets behind the MAC: every MAC and signature is good.
// Its object and that of mac_check.cc cannot be linked into one program.
#include "mikey/mac_check.h"

// The trace that mac_check_test.py looks for in programs.
extern "C" {
extern const char keymast_any_mac_is_good;
[[gnu::used, gnu::retain]] const char keymast_any_mac_is_good = 1;
}

namespace keymast::mikey {

bool MacIsGood(ByteView, ByteView) { return true; }
bool SignatureIsGood(bool) { return true; }

}  // namespace keymast::mikey
