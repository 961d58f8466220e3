// SPDX-License-Identifier: Apache-2.0
#include "shell/usage.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>

namespace keymast::shell {
namespace {

TEST(Usage, IsOfThisProcess) {
  const Usage usage = MeasureUsage();
  EXPECT_GT(usage.cpu_seconds, 0);
  EXPECT_GT(usage.resident_octets, 1'000'000U);
  EXPECT_GT(usage.open_descriptors, 2U);
  EXPECT_GE(usage.most_descriptors, usage.open_descriptors);
  EXPECT_GT(usage.started, 1e9);
  EXPECT_LT(usage.started, static_cast<double>(time(nullptr)) + 2);
}

TEST(Usage, CountsDescriptors) {
  const uint64_t before = MeasureUsage().open_descriptors;
  const int one = dup(STDIN_FILENO);
  EXPECT_EQ(MeasureUsage().open_descriptors, before + 1);
  close(one);
  EXPECT_EQ(MeasureUsage().open_descriptors, before);
}

TEST(Usage, AProcessStartsOnce) {
  EXPECT_NEAR(MeasureUsage().started, MeasureUsage().started, 0.01);
}

}  // namespace
}  // namespace keymast::shell
