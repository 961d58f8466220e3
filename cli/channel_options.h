// SPDX-License-Identifier: Apache-2.0
// From what was typed to a Channel.
#pragma once

#include "cli/channels.h"
#include "keymast/v1/channel.pb.h"

namespace keymast::cli {

// Apply reads the file, if any, and puts the options that were given on top of it.
Outcome<void> Apply(const ChannelOptions& options, v1::Channel& channel);

// ParseStream reads `video:5004:0xa0000001:96:H264/90000[:fmtp]`.
Outcome<v1::Stream> ParseStream(const std::string& text);

}  // namespace keymast::cli
