// SPDX-License-Identifier: Apache-2.0
// The time line under a wall clock that is set: it never goes back, and meets the clock again.
#include "shell/time_line.h"

#include <gtest/gtest.h>

#include <random>

namespace keymast::shell {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int64_t kUtc = 1'800'000'000'000'000'000;

// Clocks are a machine's: both go on together, and the wall clock can be set.
struct Clocks {
  ClockReading now{5'000, kUtc};
  void Pass(Duration duration) {
    now.boottime += duration.count();
    now.wall += duration.count();
  }
  void Set(Duration by) { now.wall += by.count(); }
};

struct TimeLineTest : testing::Test {
  Instant Now() const { return line.At(clocks.now.boottime); }
  Duration Offset() const { return line.OffsetAt(clocks.now); }
  // Looks each second, as programs do.
  void Follow(Duration duration, bool may_jump = true) {
    for (; duration > Duration::zero(); duration -= seconds(1)) {
      line.Approach(clocks.now, may_jump);
      clocks.Pass(seconds(1));
    }
  }
  Clocks clocks;
  TimeLine line{clocks.now};
};

TEST_F(TimeLineTest, GoesWithTheWallClock) {
  EXPECT_EQ(Now(), FromUnixNanos(kUtc));
  Follow(hours(2));
  EXPECT_EQ(Now(), FromUnixNanos(clocks.now.wall));
  EXPECT_EQ(Offset(), Duration::zero());
}

TEST_F(TimeLineTest, DoesNotFollowWhatReadingsDifferByThemselves) {
  clocks.Set(TimeLine::kTogether - Duration(1));
  line.Approach(clocks.now, true);
  EXPECT_EQ(Offset(), TimeLine::kTogether - Duration(1));
}

TEST_F(TimeLineTest, JumpsForwardWhenItMay) {
  clocks.Set(hours(1));
  Follow(seconds(10), false);
  EXPECT_EQ(Offset(), hours(1));
  line.Approach(clocks.now, true);
  EXPECT_EQ(Now(), FromUnixNanos(clocks.now.wall));
}

TEST_F(TimeLineTest, RunsSlowerUntilAClockThatWasSetBackIsReached) {
  clocks.Set(-seconds(10));
  const Instant before = Now();
  line.Approach(clocks.now, true);
  EXPECT_EQ(Now(), before) << "it does not go back";
  clocks.Pass(seconds(8));
  EXPECT_EQ(Now(), before + seconds(7));
  Follow(seconds(64));
  EXPECT_EQ(Offset(), -seconds(1));
  Follow(seconds(8));
  EXPECT_EQ(Offset(), Duration::zero());
  Follow(hours(1));
  EXPECT_EQ(Now(), FromUnixNanos(clocks.now.wall));
}

TEST_F(TimeLineTest, MeetsTheClockWithoutBeingAskedAgain) {
  clocks.Set(-seconds(10));
  line.Approach(clocks.now, true);
  clocks.Pass(hours(5));
  EXPECT_EQ(Offset(), Duration::zero());
}

TEST_F(TimeLineTest, AClockThatIsSetRightAgainEndsTheSlowRun) {
  clocks.Set(-hours(1));
  Follow(seconds(80));
  EXPECT_EQ(Offset(), -hours(1) + seconds(10));
  clocks.Set(hours(1));
  Follow(seconds(1));
  EXPECT_EQ(Offset(), Duration::zero());
}

TEST_F(TimeLineTest, DecadesStayInRange) {
  clocks.Set(-hours(24 * 365 * 50));
  Instant before = Now();
  for (int i = 0; i < 100; ++i) {
    Follow(hours(1));
    EXPECT_GT(Now(), before);
    before = Now();
  }
}

TEST_F(TimeLineTest, JumpToMovesForwardAlone) {
  const Instant later = Now() + hours(1);
  line.JumpTo(later, clocks.now.boottime);
  EXPECT_EQ(Now(), later);
  line.JumpTo(later - seconds(1), clocks.now.boottime);
  EXPECT_EQ(Now(), later);
}

// Whatever is done to the clock, the line rises, and a timer set by it goes off at its instant: not
// before, and not a nanosecond behind.
TEST_F(TimeLineTest, RisesAndTellsTimersUnderRandomSteps) {
  std::mt19937_64 random(42);
  const auto below = [&](int64_t bound) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(bound));
  };
  Instant before = Now();
  for (int i = 0; i < 100'000; ++i) {
    if (below(10) == 0) clocks.Set(milliseconds(below(20'000) - 10'000));
    line.Approach(clocks.now, below(2) == 0);
    ASSERT_GE(Now(), before);
    const Instant due = Now() + Duration(1 + below(3'000'000'000));
    const int64_t timer = line.BoottimeOf(due);
    ASSERT_GE(line.At(timer), due);
    ASSERT_LT(line.At(timer - 1), due);
    clocks.Pass(Duration(below(2'000'000'000)));
    ASSERT_GE(Now(), before);
    before = Now();
  }
}

}  // namespace
}  // namespace keymast::shell
