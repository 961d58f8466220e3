// SPDX-License-Identifier: Apache-2.0
// The one place where a MAC or a signature is found good. Fuzz targets behind the MAC link
// tests/fuzz/any_mac.cc in place of mac_check.cc; every program requires a symbol that only
// mac_check.cc defines, so that one linked against the other fails to link.
#pragma once

#include "base/bytes.h"

namespace keymast::mikey {

// MacIsGood compares in constant time.
bool MacIsGood(ByteView expected, ByteView received);

// SignatureIsGood passes the verdict of a verification on.
bool SignatureIsGood(bool verified);

}  // namespace keymast::mikey
