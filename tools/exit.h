// SPDX-License-Identifier: Apache-2.0
// How keymast-mikey ends.
#pragma once

#include <string_view>

namespace keymast::tools {

// Outcome of a message, and of a run: the worst of its messages. The numbers are exit statuses.
enum class Outcome : int {
  kVerified = 0,    // its MAC holds under a key that was given
  kUnverified = 1,  // well formed; nothing is known of who made it
  kMalformed = 2,   // no receiver takes it, whoever made it
  kFailed = 3,      // its MAC holds under none of the keys given
};
inline constexpr int kUsage = 4;  // command line, or a file named on it

// Worse orders them: what nobody can read says least, a MAC that fails may be an attack, a message
// that was not checked may be either.
constexpr int Severity(Outcome outcome) {
  switch (outcome) {
    case Outcome::kVerified:
      return 0;
    case Outcome::kUnverified:
      return 1;
    case Outcome::kFailed:
      return 2;
    case Outcome::kMalformed:
      break;
  }
  return 3;
}
constexpr Outcome Worse(Outcome a, Outcome b) { return Severity(a) < Severity(b) ? b : a; }

constexpr std::string_view NameOf(Outcome outcome) {
  constexpr std::string_view kNames[] = {"verified", "unverified", "malformed", "failed"};
  return kNames[static_cast<int>(outcome)];
}

}  // namespace keymast::tools
