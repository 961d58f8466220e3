// SPDX-License-Identifier: Apache-2.0
// The table of docs/architecture.md: who may include whom, and whose headers from outside.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace keymast::layering {

// System says what a room may use of the operating system.
enum class System {
  kPure,   // nothing: no clock, socket, thread, file (the functional core)
  kCalls,  // POSIX and Linux headers
};

struct Room {
  std::string name;
  std::set<std::string> rooms;           // besides itself
  std::vector<std::string> third_party;  // prefixes of the header's path
  System system = System::kPure;
  std::set<std::string> exceptions;  // single system headers of a pure room, each with a reason
};

// Rooms is the whole table, lowest room first.
const std::vector<Room>& Rooms();

// FindRoom returns null for a folder that is not in the table.
const Room* FindRoom(std::string_view name);

enum class HeaderKind { kStandard, kImpureStandard, kSystem, kThirdParty };

// KindOf sorts an include in angle brackets.
HeaderKind KindOf(std::string_view header);

}  // namespace keymast::layering
