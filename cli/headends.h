// SPDX-License-Identifier: Apache-2.0
// keymastctl headends ...
#pragma once

#include "cli/command.h"

namespace keymast::cli {

// CreateHeadend enrols a headend by its X25519 public key, 64 hexadecimal digits as
// `keymast-headend init` prints them.
Outcome<void> CreateHeadend(Context& context, const std::string& headend,
                            const std::string& public_key,
                            const std::vector<std::string>& channels);
Outcome<void> GetHeadend(Context& context, const std::string& headend);
Outcome<void> ListHeadends(Context& context, const PageOptions& page);
Outcome<void> DeleteHeadend(Context& context, const std::string& headend);

}  // namespace keymast::cli
