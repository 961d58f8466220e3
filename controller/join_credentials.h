// SPDX-License-Identifier: Apache-2.0
// What joins by certificate rest on (MIKEYv2 §5, §6), read as one and replaced as one.
#pragma once

#include "mikey/v2/credentials.h"

namespace keymast::controller {

struct JoinCredentials {
  mikey::v2::Credentials all;
  // all.trust.Digest(). While it is the same, what was believed still is.
  crypto::Fingerprint trust{};
};

}  // namespace keymast::controller
