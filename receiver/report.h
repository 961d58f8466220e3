// SPDX-License-Identifier: Apache-2.0
// The JSON line that keymast-receiver prints each second (docs/receiver.md lists the fields).
#pragma once

#include <string>

#include "receiver/core.h"
#include "receiver/reporter.h"
#include "receiver/sdp.h"

namespace keymast::receiver {

// Losses are datagrams that did not come to where they should.
struct Losses {
  uint64_t kernel_drops = 0;  // before they were read
  uint64_t records = 0;       // that the recording's file system did not take
};

// ReportLine is one object without line feed. `member`: of who joins by MIKEYv2, else null.
std::string ReportLine(const Core& core, const ChannelSdp& channel, const Losses& losses,
                       Instant now, const ReporterCounters* member = nullptr);

// StreamNames gives each stream its media name, with a number behind from the second of a media on.
std::vector<std::string> StreamNames(const ChannelSdp& channel);

}  // namespace keymast::receiver
