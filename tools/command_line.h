// SPDX-License-Identifier: Apache-2.0
// What keymast-mikey is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace keymast::tools {

struct DecodeOptions {
  std::string input;             // a file, or `-`
  std::vector<std::string> hex;  // instead: messages, each one argument
  std::string key_file;
  std::vector<std::string> rands;  // hexadecimal
  uint16_t port = 2269;
  bool any_port = false;
  bool json = false;
  bool reveal = false;
  std::string color = "auto";  // always, never
};

struct BuildOptions {
  std::string input = "-";
  std::string key_file;
  std::string output;  // empty: standard output
  bool binary = false;
  bool pcap = false;
};

struct VectorsOptions {
  std::string folder;
};

struct CommandLine {
  enum class Command { kDecode, kBuild, kVectors };
  Command command = Command::kDecode;
  DecodeOptions decode;
  BuildOptions build;
  VectorsOptions vectors;
};

// ParseCommandLine returns the status to leave with (0 after --help or --version, kUsage after an
// error, both already told), or nothing to go on with.
std::optional<int> ParseCommandLine(int argc, char** argv, CommandLine& line);

}  // namespace keymast::tools
