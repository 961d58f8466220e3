// SPDX-License-Identifier: Apache-2.0
// What the audit log says of a command (docs/audit.md): what it is about, and what came of it.
#pragma once

#include <span>

#include "controller/controller.h"

namespace keymast::controller {

// Names of what a deletion takes along, of which a record has so many and the number of the others.
inline constexpr size_t kMostNamed = 1000;

// RecordOf is the record of a command that is about to be carried out.
audit::Record RecordOf(const rekey::State& state, const Command& command, const Asker& by);

// Complete adds to it what came of the command: the state is the one behind it, and `changes` are
// its own.
void Complete(audit::Record& record, const rekey::State& state, const Command& command,
              std::span<const rekey::Change> changes);

// KeysMade has the ids of keys that were made in these changes.
std::vector<std::string> KeysMade(std::span<const rekey::Change> changes);

}  // namespace keymast::controller
