// SPDX-License-Identifier: Apache-2.0
// The messages of ours that other implementations are given to read.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace keymast::mikey {

struct SampleMessage {
  std::string name;
  Bytes octets;
};

// SampleMessages has every payload in messages of the data types that it belongs to, with every
// number that has a registry, and what ModeMessages has: the tests ask no more of a message than
// its octets.
std::vector<SampleMessage> SampleMessages();

// ModeMessages has what the step machines send: first messages, answers, errors and updates.
std::vector<SampleMessage> ModeMessages();

}  // namespace keymast::mikey
