// SPDX-License-Identifier: Apache-2.0
// What keymastd does about a wall clock that is set, and about one that is wrong at the start.
#include "server/clock_watch.h"

#include <gtest/gtest.h>

namespace keymast::server {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

using Moved = ClockWatch::Moved;

struct ClockWatchTest : testing::Test {
  // Look lets a second pass, then looks.
  ClockWatch::Moved Look() {
    Pass(seconds(1));
    return watch.Look(now, [this] { return is_quiet; });
  }
  void Pass(Duration duration) {
    now.boottime += duration.count();
    now.wall += duration.count();
  }
  void Set(Duration by) { now.wall += by.count(); }
  Instant Now() const { return line.At(now.boottime); }
  Instant Wall() const { return FromUnixNanos(now.wall); }
  const ClockView& view() const { return watch.view(); }

  shell::ClockReading now{7'000, 1'800'000'000'000'000'000};
  shell::TimeLine line{now};
  ClockWatch watch{line, now};
  bool is_quiet = true;
};

TEST_F(ClockWatchTest, LeavesAClockAloneThatIsNotSet) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Look(), Moved::kNot);
  EXPECT_EQ(view().steps, 0U);
  EXPECT_EQ(view().offset, Duration::zero());
  EXPECT_FALSE(view().unsure);
}

TEST_F(ClockWatchTest, CountsStepsOfHalfASecond) {
  Set(milliseconds(400));
  EXPECT_EQ(Look(), Moved::kAhead);
  EXPECT_EQ(view().steps, 0U);
  EXPECT_EQ(view().offset, milliseconds(400));
  Set(-milliseconds(600));
  EXPECT_EQ(Look(), Moved::kSlower);
  EXPECT_EQ(view().steps, 1U);
  EXPECT_EQ(view().offset, -milliseconds(600));
  for (int i = 0; i < 4; ++i) Look();
  EXPECT_EQ(view().steps, 1U) << "a step counts once";
  EXPECT_EQ(view().offset, -milliseconds(100));
  EXPECT_FALSE(view().unsure) << "keys were made by this clock";
}

TEST_F(ClockWatchTest, FollowsAStepForwardAtAQuietMoment) {
  is_quiet = false;
  Set(hours(1));
  for (int i = 0; i < 10; ++i) Look();
  EXPECT_EQ(line.OffsetAt(now), hours(1));
  is_quiet = true;
  EXPECT_EQ(Look(), Moved::kAhead);
  EXPECT_EQ(Now(), Wall());
  EXPECT_EQ(Look(), Moved::kNot);
}

// Looks that come in step with the switches see none of the quiet moments between these.
TEST_F(ClockWatchTest, MissesNoQuietMomentOfARhythmInWholeSeconds) {
  for (Duration phase{}; phase < seconds(2); phase += milliseconds(50)) {
    is_quiet = false;
    Set(hours(1));
    Look();
    Duration waited{};
    while (line.OffsetAt(now) != Duration::zero() && waited < seconds(10)) {
      Pass(watch.UntilNextLook());
      waited += watch.UntilNextLook();
      is_quiet = (phase + waited) % seconds(2) < milliseconds(750);
      watch.Look(now, [this] { return is_quiet; });
    }
    EXPECT_LT(waited, seconds(2)) << phase.count();
    EXPECT_EQ(watch.UntilNextLook(), seconds(1)) << "nothing waits any more";
  }
}

TEST_F(ClockWatchTest, FollowsAStepForwardInTheEndWhenNothingIsEverQuiet) {
  is_quiet = false;
  Set(hours(1));
  int looks = 1;
  for (Look(); line.OffsetAt(now) != Duration::zero() && looks < 1000; Look()) ++looks;
  EXPECT_EQ(looks, ClockWatch::kPatience / seconds(1) + 1);
  // The next one is waited for as long.
  Set(hours(1));
  Look();
  EXPECT_EQ(line.OffsetAt(now), hours(1));
}

TEST_F(ClockWatchTest, AStartBehindTheDataBeginsAtTheirLastInstant) {
  const Instant last = Now() + hours(1);
  watch.Begin(last);
  EXPECT_EQ(Now(), last);
  EXPECT_TRUE(view().unsure);
  EXPECT_EQ(view().offset, -hours(1));
  Look();
  EXPECT_GT(Now(), last);
  EXPECT_TRUE(view().unsure);
  Set(hours(2));
  Look();
  EXPECT_FALSE(view().unsure);
  EXPECT_EQ(Now(), Wall());
}

TEST_F(ClockWatchTest, AStartBehindTheDataWaitsForTheClockToCatchUp) {
  watch.Begin(Now() + seconds(10));
  for (int i = 0; i < 79; ++i) Look();
  EXPECT_TRUE(view().unsure);
  Look();
  Look();
  EXPECT_FALSE(view().unsure);
  EXPECT_EQ(Now(), Wall());
}

TEST_F(ClockWatchTest, WhatIsOlderThanTheClockChangesNothing) {
  for (const Instant last : {Instant::min(), Now() - hours(1), Now()}) {
    watch.Begin(last);
    EXPECT_FALSE(view().unsure);
    EXPECT_EQ(Now(), Wall());
  }
}

TEST_F(ClockWatchTest, ASecondIsNoReasonForDoubtAndNothingHappensTwice) {
  const Instant last = Now() + seconds(1);
  watch.Begin(last);
  EXPECT_FALSE(view().unsure);
  EXPECT_EQ(Now(), last);
}

}  // namespace
}  // namespace keymast::server
