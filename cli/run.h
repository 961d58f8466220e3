// SPDX-License-Identifier: Apache-2.0
// keymastctl as a function: its tests run it against a session of theirs.
#pragma once

#include "cli/context.h"
#include "cli/tree.h"

namespace keymast::cli {

using Connector = std::function<Outcome<std::unique_ptr<Session>>(const Target&)>;

// Globals are the options of every command.
struct Globals {
  Target target;
  Format format = Format::kTable;
};

// Program gives the tree of commands; its options go to `globals`.
Command Program(Globals& globals);

// Run parses the command line, carries the command out and returns the exit status. Results go to
// the surroundings' `out`, problems to `err`.
int Run(int argc, const char* const* argv, const Connector& connect, Surroundings& around);

}  // namespace keymast::cli
