// SPDX-License-Identifier: Apache-2.0
// The messages of ours that other implementations are given to read.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "mikey/code_points.h"

namespace keymast::mikey {

// Registered lists what other implementations of version 1 may know.
template <class E>
std::vector<CodePoint> Registered() {
  std::vector<CodePoint> points;
  std::ranges::copy_if(CodePointsOf<E>(), std::back_inserter(points), IsOfVersion1);
  return points;
}

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
