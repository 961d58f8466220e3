// SPDX-License-Identifier: Apache-2.0
// Channels as tables.
#pragma once

#include <iosfwd>

#include "keymast/v1/channel.pb.h"

namespace keymast::cli {

void WriteChannel(const v1::Channel& channel, std::ostream& out);
void WriteChannels(const v1::ListChannelsResponse& list, std::ostream& out);
void WriteChosenChannels(const v1::BatchGetChannelsResponse& list, std::ostream& out);

}  // namespace keymast::cli
