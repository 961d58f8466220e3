// SPDX-License-Identifier: Apache-2.0
// base64 (RFC 4648 §4) of public octets.
#pragma once

#include <string>

#include "base/bytes.h"

namespace keymast::sdp {

std::string ToBase64(ByteView octets);

// FromBase64 takes what ToBase64 writes and nothing else, so that octets have one spelling: false
// for white space, missing padding, or bits behind the last octet.
bool FromBase64(std::string_view text, Bytes& out);

}  // namespace keymast::sdp
