// SPDX-License-Identifier: Apache-2.0
// Completion for shells, made of the tree of commands.
#pragma once

#include <iosfwd>

#include "cli/tree.h"

namespace keymast::cli {

void WriteBashCompletion(const Command& program, std::ostream& out);
void WriteZshCompletion(const Command& program, std::ostream& out);
void WriteFishCompletion(const Command& program, std::ostream& out);

}  // namespace keymast::cli
