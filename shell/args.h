// SPDX-License-Identifier: Apache-2.0
// Command line of the programs, by CLI11 behind one small face. (keymastctl has a tree of its own.)
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace keymast::shell {

// Args describes one program: options and subcommands bound to the caller's variables, which must
// outlive Parse.
class Args {
 public:
  Args(const std::string& program, const std::string& description);
  ~Args();
  // `names` as CLI11 spells them: "-c,--config". An option without value is a Flag.
  Args& Option(const std::string& names, std::string& value, const std::string& help,
               bool required = false);
  Args& Option(const std::string& names, std::vector<std::string>& values, const std::string& help);
  Args& Option(const std::string& names, int64_t& value, const std::string& help);
  Args& Flag(const std::string& names, bool& value, const std::string& help);
  // Command adds a subcommand whose own options are added to the reference returned.
  Args& Command(const std::string& name, const std::string& description);
  // Parse returns the exit status to leave with (0 after --help or --version, 2 after a usage
  // error, both already printed), or nothing to go on with.
  std::optional<int> Parse(int argc, char** argv);
  // The subcommand given, or empty.
  std::string command() const;

 private:
  struct State;
  explicit Args(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace keymast::shell
