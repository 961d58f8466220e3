// SPDX-License-Identifier: Apache-2.0
// The command line, read by the tree of commands.
#pragma once

#include <iosfwd>

#include "cli/tree.h"

namespace keymast::cli {

// Parse finds the command that was typed and has its options, and those of the commands above it,
// take their values. Null when help or the version was asked for, which goes to `out`.
Outcome<const Command*> Parse(const Command& program, int argc, const char* const* argv,
                              std::ostream& out);

}  // namespace keymast::cli
