// SPDX-License-Identifier: Apache-2.0
// When members report and controllers repeat, on a virtual clock (MIKEYv2 §10).
#include <gtest/gtest.h>

#include <set>

#include "mikey/v2/report_schedule.h"
#include "tests/unit/mikey/v2_group.h"

namespace keymast::mikey::v2 {
namespace {

constexpr Duration kWindow = std::chrono::seconds(1);

class Schedules : public testing::Test {
 protected:
  crypto::SeededRng rng_{1};
  const Instant start_ = kGroupNow;
};

TEST_F(Schedules, MissingIsReportedWithinTheWindow) {
  ReportSchedule schedule;
  EXPECT_EQ(schedule.deadline(), kNever);
  EXPECT_FALSE(schedule.Due(kWindow, start_, rng_));
  schedule.Missing(kWindow, start_, rng_);
  Instant now = start_;
  std::set<Duration> waits;
  for (const int fold : {1, 2, 4, 8, 16, 16, 16}) {
    EXPECT_GE(schedule.deadline(), now);
    EXPECT_LT(schedule.deadline(), now + fold * kWindow);
    waits.insert(schedule.deadline() - now);
    const Instant planned = schedule.deadline();
    schedule.Missing(kWindow, now, rng_);
    EXPECT_EQ(schedule.deadline(), planned);
    EXPECT_FALSE(schedule.Due(kWindow, planned - Duration(1), rng_));
    now = planned;
    EXPECT_EQ(schedule.Due(kWindow, now, rng_), ReportKind::kMissing);
  }
  EXPECT_EQ(waits.size(), 7u);
  // Of the window that was told last.
  now = schedule.deadline();
  EXPECT_EQ(schedule.Due(1000 * kWindow, now, rng_), ReportKind::kMissing);
  EXPECT_GT(schedule.deadline(), now + 16 * kWindow);
  schedule.Cured();
  EXPECT_EQ(schedule.deadline(), kNever);
  schedule.Missing(kWindow, now, rng_);
  EXPECT_LT(schedule.deadline(), now + kWindow);
}

TEST_F(Schedules, ALeaveIsSaidFourTimes) {
  ReportSchedule schedule;
  schedule.Missing(kWindow, start_, rng_);
  schedule.Leave(start_);
  Instant now = start_;
  for (const int wait : {500, 1000, 2000, 2000}) {
    EXPECT_EQ(schedule.Due(kWindow, now, rng_), ReportKind::kLeave);
    EXPECT_FALSE(schedule.is_gone());
    EXPECT_FALSE(schedule.Due(kWindow, now, rng_));
    now += std::chrono::milliseconds(wait);
    EXPECT_EQ(schedule.deadline(), now);
    schedule.Leave(now);
  }
  EXPECT_FALSE(schedule.is_gone()) << "the last one may still be answered";
  EXPECT_FALSE(schedule.Due(kWindow, now, rng_));
  EXPECT_TRUE(schedule.is_gone());
  EXPECT_EQ(schedule.deadline(), kNever);
}

TEST_F(Schedules, AnAnsweredLeaveIsNotRepeated) {
  ReportSchedule schedule;
  schedule.Left();
  EXPECT_FALSE(schedule.is_gone());
  schedule.Leave(start_);
  EXPECT_EQ(schedule.Due(kWindow, start_, rng_), ReportKind::kLeave);
  schedule.Left();
  EXPECT_TRUE(schedule.is_gone());
  EXPECT_FALSE(schedule.Due(kWindow, start_ + std::chrono::seconds(9), rng_));
}

}  // namespace
}  // namespace keymast::mikey::v2
