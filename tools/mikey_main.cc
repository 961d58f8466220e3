// SPDX-License-Identifier: Apache-2.0
// keymast-mikey: MIKEY messages for who writes or debugs a receiver.
#include <cstdio>
#include <exception>
#include <iostream>

#include "crypto/primitives.h"
#include "tools/commands.h"
#include "tools/exit.h"

namespace keymast::tools {
namespace {

int Run(const CommandLine& line) {
  switch (line.command) {
    case CommandLine::Command::kDecode:
      return Decode(line.decode, std::cout);
    case CommandLine::Command::kBuild:
      return Build(line.build);
    case CommandLine::Command::kVectors:
      return WriteVectors(line.vectors);
  }
  return kUsage;
}

int Main(int argc, char** argv) {
  CommandLine line;
  if (const std::optional<int> status = ParseCommandLine(argc, argv, line)) return *status;
  if (!crypto::SelfTest()) return Refuse("the installed crypto library gives wrong answers");
  crypto::HardenProcess();
  const int status = Run(line);
  // A message that nobody could read was not shown.
  if (!std::cout.flush()) return Refuse("standard output cannot be written");
  return status;
}

}  // namespace
}  // namespace keymast::tools

int main(int argc, char** argv) {
  try {
    return keymast::tools::Main(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "keymast-mikey: %s\n", failure.what());
    return keymast::tools::kUsage;
  }
}
