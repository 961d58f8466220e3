// SPDX-License-Identifier: Apache-2.0
// Holds every include line, and the CMake lines that link rooms, against the table of rooms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <sstream>

#include "rooms.h"
#include "sources.h"

namespace keymast::layering {
namespace {

using ::testing::IsEmpty;

constexpr size_t kMaxLines = 600;

bool IsCpp(const Source& source) {
  return source.extension() == ".cc" || source.extension() == ".h" || source.extension() == ".c";
}

// RoomOf gives the room that a quoted header belongs to: generated headers are proto's.
std::string RoomOf(const std::string& header) {
  const bool is_generated = header.ends_with(".pb.h");
  return is_generated ? "proto" : header.substr(0, header.find('/'));
}

bool MayInclude(const Room& room, const Include& include) {
  if (include.is_quoted) {
    const std::string from = RoomOf(include.header);
    if (include.header.ends_with(".grpc.pb.h") && room.name == "server") return false;
    return from == room.name || room.rooms.contains(from);
  }
  switch (KindOf(include.header)) {
    case HeaderKind::kStandard:
      return true;
    case HeaderKind::kImpureStandard:
    case HeaderKind::kSystem:
      return room.system == System::kCalls || room.exceptions.contains(include.header);
    case HeaderKind::kThirdParty:
      return std::any_of(room.third_party.begin(), room.third_party.end(),
                         [&](const std::string& p) { return include.header.starts_with(p); });
  }
  return false;
}

std::vector<std::string> Strangers(const std::vector<Source>& sources) {
  std::vector<std::string> found;
  for (const Source& source : sources) {
    const Room* room = FindRoom(source.folder());
    if (room == nullptr || !IsCpp(source)) continue;
    for (const Include& include : IncludesOf(source)) {
      if (MayInclude(*room, include)) continue;
      found.push_back(source.path + ":" + std::to_string(include.line) + ": " + room->name +
                      " may not include " + include.header);
    }
  }
  return found;
}

TEST(Layering, EveryIncludeLineIsInTheTable) { EXPECT_THAT(Strangers(AllSources()), IsEmpty()); }

TEST(Layering, AStrangerIsFound) {
  const std::vector<Source> planted = {
      {"mikey/planted.cc", {"#include \"rekey/state.h\"", "#include <thread>"}},
      {"rekey/planted.h", {"  #  include <openssl/evp.h>", "#include \"mikey/prf.h\""}},
      {"server/planted.cc", {"#include \"keymast/v1/service.grpc.pb.h\""}},
      {"base/planted.cc", {"#include <sys/socket.h>", "#include <vector>"}},
  };
  EXPECT_EQ(Strangers(planted).size(), 5u);
}

TEST(Layering, EveryFolderWithCodeIsARoom) {
  std::vector<std::string> strange;
  for (const Source& source : AllSources()) {
    const std::string folder = source.folder();
    const bool is_beside = folder == "tests" || folder == "bench" || folder == "proto" ||
                           folder == "include" || folder == "examples";
    if (IsCpp(source) && !is_beside && FindRoom(folder) == nullptr) strange.push_back(source.path);
  }
  EXPECT_THAT(strange, IsEmpty());
}

TEST(Layering, TheTableHasNoCycle) {
  // Rooms are listed lowest first; proto is generated and includes none of them.
  std::vector<std::string> below = {"proto"};
  for (const Room& room : Rooms()) {
    for (const std::string& used : room.rooms) {
      EXPECT_NE(std::find(below.begin(), below.end(), used), below.end())
          << room.name << " uses " << used;
    }
    below.push_back(room.name);
  }
}

// LinkedRooms reads USES of a room's CMakeLists.txt.
std::vector<std::string> LinkedRooms(const std::string& room) {
  static const std::regex kUses(R"(keymast_room\(\w+\s+USES\s+([a-z0-9_\s]+))");
  const std::string text = ReadText(room + "/CMakeLists.txt");
  std::smatch match;
  if (!std::regex_search(text, match, kUses)) return {};
  std::istringstream words(match[1].str());
  return {std::istream_iterator<std::string>(words), std::istream_iterator<std::string>()};
}

TEST(Layering, CMakeLinksWhatTheTableAllows) {
  for (const Room& room : Rooms()) {
    for (const std::string& linked : LinkedRooms(room.name)) {
      const std::string name = linked == "proto_grpc" ? "proto" : linked;
      EXPECT_TRUE(room.rooms.contains(name)) << room.name << " links " << linked;
    }
  }
}

TEST(Layering, TheDocumentNamesEveryRoom) {
  const std::string text = ReadText("docs/architecture.md");
  for (const Room& room : Rooms()) {
    EXPECT_NE(text.find("`" + room.name + "`"), std::string::npos) << room.name;
  }
}

TEST(Layout, EveryFileNamesItsLicence) {
  std::vector<std::string> without;
  for (const Source& source : AllSources()) {
    if (source.path.starts_with("proto/google/")) continue;  // has its own, see NOTICE
    const bool is_script = !source.lines.empty() && source.lines[0].starts_with("#!");
    const size_t at = is_script ? 1 : 0;
    if (source.lines.size() <= at ||
        source.lines[at].find("SPDX-License-Identifier: Apache-2.0") == std::string::npos) {
      without.push_back(source.path);
    }
  }
  EXPECT_THAT(without, IsEmpty());
}

TEST(Layout, NoFileIsLong) {
  for (const Source& source : AllSources()) {
    if (source.path.starts_with("proto/google/")) continue;
    EXPECT_LE(source.lines.size(), kMaxLines) << source.path << ": split it by message or idea";
  }
}

TEST(Layout, HeadersAreGuarded) {
  for (const Source& source : AllSources()) {
    if (source.extension() != ".h" || source.path.starts_with("include/")) continue;
    EXPECT_NE(std::find(source.lines.begin(), source.lines.end(), "#pragma once"),
              source.lines.end())
        << source.path;
  }
}

}  // namespace
}  // namespace keymast::layering
