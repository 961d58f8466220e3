// SPDX-License-Identifier: Apache-2.0
#include "tests/vectors/vectors.h"

#include <cstdlib>
#include <fstream>

namespace keymast::vectors {
namespace {

bool IsSet(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

}  // namespace

std::filesystem::path Folder() {
  if (IsSet("KEYMAST_VECTORS")) return std::getenv("KEYMAST_VECTORS");
  return std::filesystem::path(KEYMAST_SOURCE_DIR).parent_path() / "shared" / "vectors";
}

nlohmann::json Load(const std::string& name) {
  std::ifstream file(Folder() / name);
  if (!file) return nullptr;
  return nlohmann::json::parse(file);
}

testing::AssertionResult MayLeaveOut(const std::string& name) {
  if (!IsSet("CI")) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no " << Folder() / name << ", and CI is set";
}

Bytes Hex(std::string_view text) {
  Bytes octets;
  EXPECT_TRUE(FromHex(text, octets)) << text;
  return octets;
}

Bytes HexIn(const nlohmann::json& text) { return Hex(text.get<std::string>()); }

}  // namespace keymast::vectors
