// SPDX-License-Identifier: Apache-2.0
// What a command is about, for the audit log.
#pragma once

#include "controller/controller.h"

namespace keymast::controller {

struct Target {
  std::string resource;
  std::vector<std::string> items;  // ids of a batch
};
Target TargetOf(const Command& command);

// RevisionOf is the revision of the resource that a command is about; 0 where it is not there, or
// has none.
uint64_t RevisionOf(const rekey::State& state, const Command& command);

// ChannelOf is the channel whose keys a command is about; null for any other.
const ChannelId* ChannelOf(const Command& command);

}  // namespace keymast::controller
