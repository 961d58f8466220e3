// SPDX-License-Identifier: Apache-2.0
#include "rekey/grid.h"

#include <gtest/gtest.h>

#include <set>

namespace keymast::rekey {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant kSomewhere = FromUnixNanos(1'800'000'000'123'456'789);

TEST(Grid, TicksAreOnePeriodApartOnWholeMilliseconds) {
  const Grid grid(ChannelId("news"), seconds(10));
  Instant tick = grid.AtOrAfter(kSomewhere);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ToUnixNanos(tick) % 1'000'000, 0);
    EXPECT_EQ(grid.AtOrAfter(tick), tick);
    EXPECT_EQ(grid.After(tick), tick + seconds(10));
    EXPECT_EQ(grid.AtOrAfter(tick + Duration(1)), tick + seconds(10));
    EXPECT_EQ(grid.AtOrAfter(tick - seconds(10) + Duration(1)), tick);
    tick = grid.After(tick);
  }
}

TEST(Grid, IsTheSameInEveryRun) {
  EXPECT_EQ(ToUnixNanos(Grid(ChannelId("news"), seconds(10)).AtOrAfter(kSomewhere)),
            1'800'000'001'446'000'000);
}

TEST(Grid, SpreadsChannels) {
  std::set<Instant> ticks;
  for (int i = 0; i < 1000; ++i) {
    const Grid grid(ChannelId("channel-" + std::to_string(i)), seconds(1));
    ticks.insert(grid.AtOrAfter(kSomewhere));
  }
  EXPECT_GT(ticks.size(), 500U);
}

TEST(Grid, ARepetitionThatDividesThePeriodMeetsItsTicks) {
  const ChannelId id("news");
  const Instant tick = Grid(id, seconds(10)).AtOrAfter(kSomewhere);
  EXPECT_EQ(Grid(id, milliseconds(500)).AtOrAfter(tick), tick);
}

TEST(Grid, WorksBeforeTheEpoch) {
  const Grid grid(ChannelId("news"), seconds(10));
  const Instant early = FromUnixNanos(-123'456'789'012);
  EXPECT_GE(grid.AtOrAfter(early), early);
  EXPECT_LT(grid.AtOrAfter(early), early + seconds(10));
}

TEST(OnGrid, RoundsUpToMilliseconds) {
  EXPECT_EQ(OnGrid(FromUnixNanos(1)), FromUnixNanos(1'000'000));
  EXPECT_EQ(OnGrid(FromUnixNanos(2'000'000)), FromUnixNanos(2'000'000));
  EXPECT_EQ(OnGrid(kNever), kNever);
}

}  // namespace
}  // namespace keymast::rekey
