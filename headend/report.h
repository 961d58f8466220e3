// SPDX-License-Identifier: Apache-2.0
// What keymast-headend says of itself, as one line of JSON.
#pragma once

#include <map>
#include <string>

#include "headend/headend.h"

namespace keymast::headend {

// Outside is what the report takes from the program around the core.
struct Outside {
  struct Of {
    std::string silent;  // why nothing goes out; empty: something does
    uint64_t send_failed = 0;
  };
  std::map<ChannelId, Of> channels;
  std::string link_error;    // why there is no connection, or the last one ended
  uint64_t input_drops = 0;  // by the kernel: the receive buffer was full
  uint64_t records_lost = 0;
};

std::string ReportLine(const Headend& headend, const Outside& outside, Instant now);

// StreamNames gives each stream its name in reports: its media, the second one with a 2 behind.
std::vector<std::string> StreamNames(const ChannelDefinition& channel);

}  // namespace keymast::headend
