// SPDX-License-Identifier: Apache-2.0
// Manual pages, made of the tree of commands.
#pragma once

#include <iosfwd>

#include "cli/tree.h"

namespace keymast::cli {

// WriteManualPage writes keymastctl.1: what the program is, with the commands that are in no group.
void WriteManualPage(const Command& program, std::ostream& out);
// WriteGroupPage writes the page of a group, as keymastctl-channels.1.
void WriteGroupPage(const Command& program, const Command& group, std::ostream& out);

}  // namespace keymast::cli
