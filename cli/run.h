// SPDX-License-Identifier: Apache-2.0
// keymastctl as a function: its tests run it against a session of theirs.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>

#include "cli/session.h"

namespace keymast::cli {

using Connector = std::function<Outcome<std::unique_ptr<Session>>(const Target&)>;

// Run parses the command line, carries the command out and returns the exit status. Results go to
// `out`, problems and usage to `err`.
int Run(int argc, const char* const* argv, const Connector& connect, std::ostream& out,
        std::ostream& err);

}  // namespace keymast::cli
