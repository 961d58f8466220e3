// SPDX-License-Identifier: Apache-2.0
// The JSON line that keymast-receiver prints each second (docs/receiver.md lists the fields).
#pragma once

#include <string>

#include "receiver/core.h"
#include "receiver/sdp.h"

namespace keymast::receiver {

// ReportLine is one object without line feed.
std::string ReportLine(const Core& core, const ChannelSdp& channel, uint64_t kernel_drops,
                       Instant now);

// StreamNames gives each stream its media name, with a number behind from the second of a media on.
std::vector<std::string> StreamNames(const ChannelSdp& channel);

}  // namespace keymast::receiver
