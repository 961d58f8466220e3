// SPDX-License-Identifier: Apache-2.0
// From what was typed to a Channel.
#pragma once

#include "cli/channels.h"
#include "keymast/v1/channel.pb.h"

namespace keymast::cli {

// Apply puts each field that the file has, if any, and on top of it the options that were given,
// in place of the channel's.
Outcome<void> Apply(const ChannelOptions& options, v1::Channel& channel);

// ParseStream reads `video:5004:0xa0000001:96:H264/90000[:fmtp]`.
Outcome<v1::Stream> ParseStream(const std::string& text);

}  // namespace keymast::cli
