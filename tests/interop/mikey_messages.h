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
// number that has a registry. A mode that keymast learns to speak adds here what its step machines
// send: the tests ask no more of a message than its octets.
std::vector<SampleMessage> SampleMessages();

}  // namespace keymast::mikey
