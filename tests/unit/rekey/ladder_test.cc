// SPDX-License-Identifier: Apache-2.0
#include "rekey/ladder.h"

#include <gtest/gtest.h>

namespace keymast::rekey {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Keys : testing::Test {
  Keys() {
    channel.id = ChannelId("news");
    channel.key_group = KeyGroup(7);
    start = Grid(channel.id, channel.policy.mtk_period).AtOrAfter(Instant(seconds(1'800'000'000)));
    Add(ladder.msk);
    Prepare(ladder, {ladder.msk->id, MtkId(1), start});
    Activate(ladder);
    ladder.next_msk_change = ladder.msk->ends;
  }
  void Add(std::optional<Msk>& place) {
    place = *MakeMsk(ladder, channel, CsbId(0), start, start, rng);
    ladder.last_key_number = place->id.number;
  }
  // Turn prepares and activates the next MTK on schedule.
  Slot Turn() {
    const Instant now = PrepareAt(ladder, channel);
    const Slot slot = *NextSlot(ladder, NextSwitch(ladder, channel, now));
    Prepare(ladder, slot);
    Activate(ladder);
    return slot;
  }
  groups::Channel channel;
  crypto::SeededRng rng{1};
  Ladder ladder;
  Instant start;
};

TEST_F(Keys, ANewMskHasItsOwnEverything) {
  const Msk other = *MakeMsk(ladder, channel, CsbId(0), start, start, rng);
  EXPECT_EQ(other.id, (MskId{KeyGroup(7), KeyNumber(2)}));
  EXPECT_FALSE(other.key == ladder.msk->key);
  EXPECT_FALSE(other.seed == ladder.msk->seed);
  EXPECT_NE(other.rand, ladder.msk->rand);
  EXPECT_EQ(other.key.size(), 16U);
  EXPECT_EQ(other.ends, start + channel.policy.msk_period);
  EXPECT_EQ(other.counter.end - other.counter.next, kMtkCounterBlock);
}

TEST_F(Keys, AnMskForA256BitProfileHas256Bits) {
  for (const SrtpProfile profile :
       {SrtpProfile::kAesCm256HmacSha1_80, SrtpProfile::kAeadAes256Gcm}) {
    channel.profile = profile;
    EXPECT_EQ(MakeMsk(ladder, channel, CsbId(0), start, start, rng)->key.size(), 32U);
  }
}

TEST_F(Keys, KeyNumbersEndWithTheLast) {
  ladder.last_key_number = KeyNumber(65534);
  EXPECT_EQ(MakeMsk(ladder, channel, CsbId(0), start, start, rng)->id.number, KeyNumber(65535));
  ladder.last_key_number = KeyNumber(65535);
  EXPECT_FALSE(CanMakeMsk(ladder));
  EXPECT_EQ(MakeMsk(ladder, channel, CsbId(0), start, start, rng).error(), Error::kIdsExhausted);
}

TEST_F(Keys, TheNextMtkIsPreparedALeadAhead) {
  const Instant at = start + seconds(8);
  EXPECT_EQ(PrepareAt(ladder, channel), at);
  EXPECT_FALSE(ShouldPrepare(ladder, channel, at - Duration(1)));
  EXPECT_TRUE(ShouldPrepare(ladder, channel, at));
  EXPECT_EQ(NextSwitch(ladder, channel, at), start + seconds(10));
}

TEST_F(Keys, ALateTickKeepsTheSwitchWhileHalfOfTheLeadIsLeft) {
  EXPECT_EQ(NextSwitch(ladder, channel, start + seconds(9)), start + seconds(10));
  EXPECT_EQ(NextSwitch(ladder, channel, start + seconds(9) + Duration(1)), start + seconds(20));
  EXPECT_EQ(NextSwitch(ladder, channel, start + seconds(1005)), start + seconds(1010));
}

TEST_F(Keys, NothingIsDueToBePreparedWhileAnMtkIs) {
  Prepare(ladder, {ladder.msk->id, MtkId(2), start + seconds(10)});
  EXPECT_EQ(PrepareAt(ladder, channel), kNever);
  EXPECT_FALSE(ShouldActivate(ladder, start + seconds(10) - Duration(1)));
  EXPECT_TRUE(ShouldActivate(ladder, start + seconds(10)));
}

TEST_F(Keys, IdsAndEpochsRiseByOne) {
  for (uint16_t id = 2; id < 50; ++id) {
    const Slot before = *ladder.active;
    EXPECT_EQ(Turn().mtk, MtkId(id));
    EXPECT_EQ(ladder.epoch, id);
    EXPECT_EQ(ladder.old, before);
  }
}

TEST_F(Keys, ADroppedIdStaysConsumed) {
  Prepare(ladder, {ladder.msk->id, MtkId(2), start + seconds(10)});
  Drop(ladder);
  EXPECT_EQ(NextSlot(ladder, start + seconds(10))->mtk, MtkId(3));
}

TEST_F(Keys, AnIdNeverWraps) {
  ladder.msk->last_mtk = ladder.msk->high;
  EXPECT_EQ(NextSlot(ladder, start).error(), Error::kIdsExhausted);
}

TEST_F(Keys, TheNextMskTakesOverAtItsInstantWithItsFirstId) {
  Add(ladder.next_msk);
  ladder.next_msk_change = start + seconds(20);
  EXPECT_EQ(Turn().msk.number, KeyNumber(1));
  const Slot first = Turn();
  EXPECT_EQ(first.msk.number, KeyNumber(2));
  EXPECT_EQ(first.mtk, MtkId(1));
  EXPECT_EQ(ladder.msk->id, first.msk);
  EXPECT_FALSE(ladder.next_msk.has_value());
  EXPECT_EQ(ladder.next_msk_change, ladder.msk->ends);
}

TEST_F(Keys, AnMskThatAWaitingLeaverHoldsIsNotTaken) {
  Add(ladder.next_msk);
  ladder.next_msk_change = start + seconds(5);
  ladder.next_msk_reason = RekeyReason::kLeave;
  EXPECT_EQ(NextSlot(ladder, start + seconds(10))->msk.number, KeyNumber(1));
  EXPECT_FALSE(ShouldExclude(ladder, start + seconds(5) - Duration(1)));
  EXPECT_TRUE(ShouldExclude(ladder, start + seconds(5)));
}

TEST_F(Keys, TheNextMskIsMadeALeadAhead) {
  const Instant at = ladder.next_msk_change - channel.policy.msk_lead;
  EXPECT_EQ(NextMskAt(ladder, channel), at);
  EXPECT_TRUE(ShouldMakeNextMsk(ladder, channel, at));
  Add(ladder.next_msk);
  EXPECT_EQ(NextMskAt(ladder, channel), kNever);
}

TEST_F(Keys, ExhaustionBringsTheChangeForward) {
  EXPECT_FALSE(PlanExhaustion(ladder, channel));
  ladder.msk->last_mtk = MtkId(65533);
  EXPECT_TRUE(PlanExhaustion(ladder, channel));
  EXPECT_EQ(ladder.next_msk_change, start + seconds(30)) << "two more IDs, then none";
  EXPECT_EQ(ladder.next_msk_reason, RekeyReason::kExhaustion);
  EXPECT_FALSE(PlanExhaustion(ladder, channel)) << "it is planned already";
}

TEST_F(Keys, CountersRunOutToo) {
  ladder.msk->counter.next = (uint64_t{1} << 31) + 1;
  EXPECT_TRUE(PlanExhaustion(ladder, channel));
  EXPECT_EQ(ladder.next_msk_change, start + channel.policy.msk_lead);
}

TEST_F(Keys, NoChangeIsPlannedThatCannotBeMade) {
  ladder.msk->last_mtk = MtkId(65533);
  ladder.last_key_number = KeyNumber(65535);
  EXPECT_FALSE(PlanExhaustion(ladder, channel));
}

TEST_F(Keys, AfterAnExclusionTheScheduleReturnsToTheGrid) {
  Add(ladder.next_msk);
  const Instant off_grid = start + milliseconds(8217);
  Prepare(ladder, {ladder.next_msk->id, MtkId(1), off_grid});
  Activate(ladder);
  // The tick at 10 s leaves no room for a lead.
  EXPECT_EQ(NextSwitch(ladder, channel, off_grid), start + seconds(20));
}

}  // namespace
}  // namespace keymast::rekey
