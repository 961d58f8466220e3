// SPDX-License-Identifier: Apache-2.0
#include "api/refusal_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "front_fixture.h"

namespace keymast::api {
namespace {

using std::chrono::milliseconds;

TEST(RefusalLog, WritesOneOfAPeriodAndTellsOfTheOthers) {
  RefusalLog log;
  const RefusalLog::Instant start{};
  EXPECT_EQ(log.Take("viewer", start), 0U);
  for (int i = 1; i <= 10; ++i) EXPECT_FALSE(log.Take("viewer", start + milliseconds(i)));
  EXPECT_EQ(log.Take("operator", start + milliseconds(20)), 0U) << "another one's is not hidden";
  EXPECT_FALSE(log.Take("viewer", start + milliseconds(999)));
  EXPECT_EQ(log.Take("viewer", start + milliseconds(1000)), 11U);
  EXPECT_FALSE(log.Take("viewer", start + milliseconds(1999)));
  EXPECT_EQ(log.Take("viewer", start + milliseconds(5000)), 1U);
}

class Refusals : public FrontTest {};

TEST_F(Refusals, DoNotFillTheLog) {
  Start();
  testing::internal::CaptureStderr();
  const auto viewer = Channel(Role::kViewer);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(Call(*viewer, "Channels.DeleteChannel", v1::DeleteChannelRequest()).error_code(),
              grpc::StatusCode::PERMISSION_DENIED);
  }
  const auto took = std::chrono::steady_clock::now() - began;
  const std::string log = testing::internal::GetCapturedStderr();
  int64_t lines = 0;
  for (size_t at = 0; (at = log.find("\"event\":\"call\"", at)) != std::string::npos; ++at) ++lines;
  EXPECT_GE(lines, 1);
  EXPECT_LE(lines, 1 + took / RefusalLog::kPeriod);
}

}  // namespace
}  // namespace keymast::api
