// SPDX-License-Identifier: Apache-2.0
#include "rekey/operation.h"

#include <gtest/gtest.h>

namespace keymast::rekey {
namespace {

TEST(Refusals, AreAllCountedAndNamedUpToALimit) {
  Progress progress;
  for (size_t i = 1; i <= kMostRefusals + 25; ++i) {
    AddRefusal(progress, "channels/c" + std::to_string(i) + ": ids_exhausted");
    EXPECT_EQ(RefusedIn(progress), i);
  }
  ASSERT_EQ(progress.notes.size(), kMostRefusals + 1);
  EXPECT_EQ(progress.notes[kMostRefusals - 1], "channels/c100: ids_exhausted");
  EXPECT_EQ(progress.notes.back(), "more=25");
}

}  // namespace
}  // namespace keymast::rekey
