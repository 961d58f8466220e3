// SPDX-License-Identifier: Apache-2.0
// What every command is given.
#pragma once

#include <functional>
#include <iosfwd>

#include "base/time.h"
#include "cli/output.h"
#include "cli/session.h"

namespace keymast::cli {

// Surroundings are what keymastctl has from its process: its tests bring their own.
struct Surroundings {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  std::function<Instant()> now;
  std::function<void(Duration)> pause;
  // Whether the reader of `out` has closed it, as `head` does once it has enough.
  std::function<bool()> is_out_closed = [] { return false; };
};

struct Command;

struct Context {
  Session& session;
  Format format;
  Duration timeout;        // of a call
  const Command& program;  // the whole tree
  Surroundings& around;
  std::ostream& out;
};

}  // namespace keymast::cli
