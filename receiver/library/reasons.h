// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "include/keymast/receiver.h"

namespace keymast::receiver::library {

// ReasonOf an error as the C interface numbers it; of one that no receiver meets KEYMAST_INTERNAL.
keymast_reason ReasonOf(Error error);
inline keymast_reason ReasonOf(const Status& status) {
  return status ? KEYMAST_OK : ReasonOf(status.error());
}
// ErrorOf what the caller's functions say; of what is none kInternal.
Error ErrorOf(keymast_reason reason);

}  // namespace keymast::receiver::library
