// SPDX-License-Identifier: Apache-2.0
// `keymast-receiver replay`: a recording once more through the same core, to prove what a receiver
// could and could not open.
#pragma once

#include <string>

#include "receiver/options.h"

namespace keymast::receiver {

struct ReplayResult {
  uint64_t msk_messages = 0;  // taken
  uint64_t mtk_messages = 0;  // taken
  uint64_t keys = 0;          // MTKs that were ever held
  uint64_t opened_before = 0;
  uint64_t opened_after = 0;  // at or after the instant asked for, under whichever key
  uint64_t refused_before = 0;
  uint64_t refused_after = 0;
  bool cut_off = false;  // the file ends inside a block
};

// Replay feeds each datagram at its recorded time. MSK messages are those sent to a unicast
// address, whichever port. kMalformed when `file` is no recording.
Result<ReplayResult> Replay(ByteView file, const Setup& setup, Instant after);

// ReplayCommand reads the file, replays and prints one JSON object; it returns the exit status.
int ReplayCommand(const std::string& path, const Setup& setup, Instant after);

}  // namespace keymast::receiver
