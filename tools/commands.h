// SPDX-License-Identifier: Apache-2.0
// The commands of keymast-mikey. Each returns the exit status; what went wrong is on standard
// error.
#pragma once

#include <iosfwd>
#include <string>

#include "base/error.h"
#include "tools/command_line.h"

namespace keymast::tools {

int Decode(const DecodeOptions& options, std::ostream& out);
int Build(const BuildOptions& options);
int WriteVectors(const VectorsOptions& options);

// Refuse tells on standard error why the command line, or a file named on it, cannot be used:
// kUsage.
int Refuse(const std::string& message);

}  // namespace keymast::tools
