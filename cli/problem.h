// SPDX-License-Identifier: Apache-2.0
// Problem is why a command failed: told to a person on standard error, to a script by exit status.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace keymast::cli {

// Exit statuses of keymastctl; documented in docs/keymastctl.md.
enum class Exit : int {
  kDone = 0,
  kRefused = 1,  // the server refused: a precondition, a conflict, an invalid argument, a quota
  kUsage = 2,    // command line, a file named on it, or standard output
  kNotFound = 3,
  kUnavailable = 4,  // server unreachable, draining or too busy: the same command may work later
  kPermission = 5,
};

struct Problem {
  Exit exit = Exit::kRefused;
  std::string message = {};
  std::string reason = {};  // label of the server's reason, empty when it is ours
  std::vector<std::pair<std::string, std::string>> violations = {};  // field, what is wrong
  std::string resource = {};
  std::string advice = {};             // what to do
  std::string program = "keymastctl";  // and its command, of a usage error
  bool is_outcome_known = true;        // false: what was asked may have been done
  bool is_unimplemented = false;       // the server has no such method
};

inline tl::unexpected<Problem> UsageProblem(std::string message, std::string advice = {}) {
  return tl::unexpected(
      Problem{.exit = Exit::kUsage, .message = std::move(message), .advice = std::move(advice)});
}

// ProblemOf reads a gRPC status: `code` and `message`, and the google.rpc.Status in `details` where
// it can be read.
Problem ProblemOf(int code, const std::string& message, const std::string& details);

// ToText gives the lines for standard error, the first beginning with the program's name.
std::string ToText(const Problem& problem);

template <class T>
using Outcome = tl::expected<T, Problem>;

}  // namespace keymast::cli
