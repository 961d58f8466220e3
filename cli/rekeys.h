// SPDX-License-Identifier: Apache-2.0
// keymastctl rekey-now, rekeys, watch, status
#pragma once

#include "cli/command.h"

namespace keymast::cli {

// `level` is msk or mtk.
Outcome<void> RekeyNow(Context& context, const std::string& channel, const std::string& level);
Outcome<void> ListRekeys(Context& context, const std::string& channel, const PageOptions& page);
// Watch prints an event a line until the stream ends, or `limit` events were printed (0: no limit).
Outcome<void> Watch(Context& context, const std::string& channel, const std::string& resume_token,
                    uint64_t limit);
Outcome<void> PrintStatus(Context& context);

}  // namespace keymast::cli
