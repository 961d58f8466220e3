// SPDX-License-Identifier: Apache-2.0
// Files of one test program: another user's run leaves them alone.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace keymast::cli {

// TempPath names a file in a folder that goes with the process.
inline std::string TempPath(const std::string& name) {
  struct Folder {
    std::string path = testing::TempDir() + "/cli-XXXXXX";
    Folder() { EXPECT_NE(mkdtemp(path.data()), nullptr); }
    ~Folder() { std::filesystem::remove_all(path); }
  };
  static const Folder folder;
  return folder.path + "/" + name;
}

}  // namespace keymast::cli
