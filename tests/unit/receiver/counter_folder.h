// SPDX-License-Identifier: Apache-2.0
// A folder with a receiver's file of COUNTERs, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "receiver/counter_file.h"
#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {

class CounterFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/counters-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/state";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  CounterFile Open(uint8_t key = 1) {
    auto file = CounterFile::Open(path_, KeyOf(key));
    EXPECT_TRUE(file.has_value());
    return std::move(*file);
  }

  std::string folder_;
  std::string path_;
};

}  // namespace keymast::receiver
