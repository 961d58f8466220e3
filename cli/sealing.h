// SPDX-License-Identifier: Apache-2.0
// User keys on their way to the server: in a box sealed to its import key, in no other form.
#pragma once

#include <string>

#include "cli/problem.h"

namespace keymast::cli {

// SealCredential seals the user key in `file`, 16 to 32 octets of mode 0600, for one subscriber.
// The same key, subscriber and request id make the same box, so that a repeated request is the
// same.
Outcome<std::string> SealCredential(const std::string& import_key, const std::string& request_id,
                                    const std::string& subscriber, const std::string& identity,
                                    const std::string& file);

}  // namespace keymast::cli
