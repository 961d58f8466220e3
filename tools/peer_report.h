// SPDX-License-Identifier: Apache-2.0
// What keymast-peer says of its call.
#pragma once

#include "tools/peer_call.h"

namespace keymast::tools {

// ReportOf is one JSON object on one line, without keys.
std::string ReportOf(const PeerCall& call);

// KeysAsText has a line a crypto session: its number, SSRC, profile, and in hexadecimal master key,
// master salt and MKI (`-` for none). For players that are to open the packets themselves.
crypto::SecretBytes KeysAsText(const std::vector<StreamKey>& keys);

}  // namespace keymast::tools
