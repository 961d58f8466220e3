// SPDX-License-Identifier: Apache-2.0
#include "rekey/state.h"

#include <gtest/gtest.h>

namespace keymast::rekey {
namespace {

const ChannelId kNews{"news"};
const KeyGroupName kGroup{KeyDomainId{{1, 2, 3}}, KeyGroup(7)};

Msk MskOf(uint16_t number, uint64_t reserved) {
  Msk msk;
  msk.id = {KeyGroup(7), KeyNumber(number)};
  msk.counter = {1, reserved};
  return msk;
}

State WithChannel(KeyNumber last, uint64_t reserved = 8193) {
  State state;
  groups::Channel channel;
  channel.id = kNews;
  Apply(state, ChannelPut{channel});
  Ladder ladder;
  ladder.msk = MskOf(last.value, reserved);
  ladder.last_key_number = last;
  ladder.epoch = 5;
  Apply(state, LadderPut{kNews, ladder});
  Apply(state, MukCounterReserved{257});
  return state;
}

void ApplyAll(State& state, const std::vector<Change>& changes) {
  for (const Change& change : changes) Apply(state, change);
}

TEST(SkipLost, MovesEveryNumberBehindWhatLostCommitsCanHaveGivenOut) {
  State state = WithChannel(KeyNumber(3));
  Apply(state, KeyGroupRetired{kGroup, KeyNumber(9)});
  ApplyAll(state, SkipLost(state, 10, SkipLimit::kNone));
  const Ladder& ladder = state.channels.at(kNews).ladder;
  EXPECT_EQ(state.muk_counter.end, 257 + 10 * kMukCounterBlock);
  EXPECT_EQ(ladder.msk->counter.end, 8193 + 10 * kMtkCounterBlock);
  EXPECT_EQ(ladder.last_key_number, KeyNumber(13));
  EXPECT_EQ(ladder.epoch, 15U);
  EXPECT_EQ(ladder.msk->last_mtk, MtkId(10));
  EXPECT_EQ(LastKeyNumber(state, kGroup), KeyNumber(19));
  EXPECT_EQ(LastKeyNumber(state, {kGroup.first, KeyGroup(8)}), KeyNumber(10));
}

TEST(SkipLost, AppliedAgainChangesNothing) {
  State state = WithChannel(KeyNumber(3));
  const std::vector<Change> changes = SkipLost(state, 10, SkipLimit::kNone);
  ApplyAll(state, changes);
  ApplyAll(state, changes);
  EXPECT_EQ(state.muk_counter.end, 257 + 10 * kMukCounterBlock);
  EXPECT_EQ(state.channels.at(kNews).ladder.msk->counter.end, 8193 + 10 * kMtkCounterBlock);
  EXPECT_EQ(state.channels.at(kNews).ladder.last_key_number, KeyNumber(13));
  EXPECT_EQ(state.unknown_groups, KeyNumber(10));
}

TEST(SkipLost, StopsAtTheEndOfARange) {
  State state = WithChannel(KeyNumber(65530), (uint64_t{1} << 32) - 1);
  ApplyAll(state, SkipLost(state, 64, SkipLimit::kNone));
  const Ladder& ladder = state.channels.at(kNews).ladder;
  EXPECT_EQ(ladder.last_key_number, KeyNumber(65535));
  EXPECT_EQ(ladder.msk->counter.end, uint64_t{1} << 32);
  state.channels.at(kNews).ladder.msk->high = MtkId(70);
  ApplyAll(state, SkipLost(state, 64, SkipLimit::kNone));
  EXPECT_EQ(state.channels.at(kNews).ladder.msk->last_mtk, MtkId(70));
}

TEST(SkipLost, HalfLeavesRoomHoweverMuchIsLost) {
  for (const uint64_t lost : {uint64_t{1} << 40, UINT64_MAX}) {
    State state = WithChannel(KeyNumber(35535));
    ApplyAll(state, SkipLost(state, lost, SkipLimit::kHalf));
    EXPECT_EQ(state.channels.at(kNews).ladder.last_key_number, KeyNumber(50535));
    EXPECT_LT(state.muk_counter.end, uint64_t{1} << 32);
    EXPECT_GT(state.muk_counter.end, uint64_t{1} << 31);
  }
  State state = WithChannel(KeyNumber(3));
  ApplyAll(state, SkipLost(state, 4, SkipLimit::kHalf));
  EXPECT_EQ(state.channels.at(kNews).ladder.last_key_number, KeyNumber(7));
}

TEST(SkipLost, OfNothingIsNothing) {
  EXPECT_TRUE(SkipLost(WithChannel(KeyNumber(3)), 0, SkipLimit::kNone).empty());
}

TEST(LastKeyNumber, OfARetiredGroupNeverGoesBack) {
  State state;
  Apply(state, KeyGroupRetired{kGroup, KeyNumber(9)});
  Apply(state, KeyGroupRetired{kGroup, KeyNumber(4)});
  EXPECT_EQ(LastKeyNumber(state, kGroup), KeyNumber(9));
  EXPECT_EQ(LastKeyNumber(state, {kGroup.first, KeyGroup(8)}), KeyNumber(0));
}

}  // namespace
}  // namespace keymast::rekey
