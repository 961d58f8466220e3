// SPDX-License-Identifier: Apache-2.0
// A directory that goes away with the test.
#pragma once

#include <filesystem>
#include <string>

#include "base/check.h"

namespace keymast::store {

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "keymast-store-XXXXXX").string();
    KEYMAST_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace keymast::store
