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

}  // namespace keymast::receiver::library
