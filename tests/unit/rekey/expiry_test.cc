// SPDX-License-Identifier: Apache-2.0
// When a key would end before its successor can be there.
#include "rekey/expiry.h"

#include <gtest/gtest.h>

#include "rekey/ladder.h"

namespace keymast::rekey {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kMoment = milliseconds(1);

struct Expiry : testing::Test {
  Expiry() {
    state.channel.id = ChannelId("news");
    state.channel.key_group = KeyGroup(7);
    start = Grid(state.channel.id, policy.mtk_period).AtOrAfter(Instant(seconds(1'800'000'000)));
    ladder.msk = *MakeMsk(ladder, state.channel, CsbId(0), start, start, rng);
    ladder.last_key_number = ladder.msk->id.number;
    Prepare(ladder, {ladder.msk->id, MtkId(1), start});
    Activate(ladder);
    ladder.next_msk_change = ladder.msk->ends;
  }
  bool RunsOutAt(Instant now) const { return RunsOut(state, {now, frozen, held}); }
  Instant Next() const { return NextExpiry(state, {start, frozen, held}); }
  // The next MTK, so that only the MSK can run out.
  void PrepareNext(Instant at) { Prepare(ladder, *NextSlot(ladder, at)); }

  crypto::SeededRng rng{1};
  ChannelState state;
  const groups::KeyPolicy& policy = state.channel.policy;
  Ladder& ladder = state.ladder;
  Instant start;
  bool frozen = false;
  bool held = false;
};

TEST_F(Expiry, AnMtkEndsAtTheSwitchForWhichNoneIsPrepared) {
  const Instant end = start + policy.mtk_period;
  EXPECT_EQ(Next(), end);
  EXPECT_FALSE(RunsOutAt(end - policy.mtk_lead));
  EXPECT_FALSE(RunsOutAt(end - policy.mtk_lead / 2));
  EXPECT_TRUE(RunsOutAt(end - policy.mtk_lead / 2 + kMoment));
  EXPECT_TRUE(RunsOutAt(end + hours(1)));
}

TEST_F(Expiry, APreparedMtkIsASuccessor) {
  const Instant at = start + policy.mtk_period;
  PrepareNext(at);
  EXPECT_EQ(Next(), at + policy.mtk_period);
  EXPECT_FALSE(RunsOutAt(at + kMoment));
}

TEST_F(Expiry, AHeldSwitchIsNoEnd) {
  PrepareNext(start + policy.mtk_period);
  held = true;
  EXPECT_EQ(Next(), ladder.msk->ends);
  EXPECT_FALSE(RunsOutAt(start + 10 * policy.mtk_period));
}

TEST_F(Expiry, AnMskRunsOutWithHalfOfItsLead) {
  const Instant late = ladder.msk->ends - policy.msk_lead / 2;
  PrepareNext(late);
  EXPECT_FALSE(RunsOutAt(late));
  EXPECT_TRUE(RunsOutAt(late + kMoment));
  ladder.next_msk = *MakeMsk(ladder, state.channel, CsbId(0), start, start, rng);
  EXPECT_FALSE(RunsOutAt(late + kMoment));
}

TEST_F(Expiry, WithoutKeyNumbersAnMskRunsOutWhenItsLeadBegins) {
  ladder.last_key_number = KeyNumber(kLastKeyNumber);
  const Instant lead = ladder.msk->ends - policy.msk_lead;
  PrepareNext(lead);
  EXPECT_FALSE(RunsOutAt(lead));
  EXPECT_TRUE(RunsOutAt(lead + kMoment));
  ladder.next_msk_change = kNever;  // as it is when none could be made
  EXPECT_TRUE(RunsOutAt(lead + kMoment));
}

TEST_F(Expiry, WhoIsToBeShutOutNeedsNoLead) {
  ladder.next_msk_reason = RekeyReason::kLeave;
  PrepareNext(ladder.msk->ends);
  EXPECT_FALSE(RunsOutAt(ladder.msk->ends - kMoment));
  ladder.last_key_number = KeyNumber(kLastKeyNumber);
  EXPECT_TRUE(RunsOutAt(ladder.msk->ends - kMoment));
}

TEST_F(Expiry, WithoutCountersNothingCanBeSent) {
  PrepareNext(start + policy.mtk_period);
  ladder.msk->counter.next = ladder.msk->counter.end;
  EXPECT_FALSE(RunsOutAt(start)) << "more are reserved with the next message";
  frozen = true;
  EXPECT_TRUE(RunsOutAt(start));
  frozen = false;
  ladder.msk->counter = {uint64_t{UINT32_MAX} + 1, uint64_t{UINT32_MAX} + 2};
  EXPECT_TRUE(RunsOutAt(start)) << "there are no more of 32 bits";
}

TEST(LastMade, IsTheLatestOfAllKeys) {
  State state;
  EXPECT_EQ(LastMade(state), Instant::min());
  crypto::SeededRng rng(1);
  const auto at = [](int second) { return Instant(seconds(second)); };
  for (const int second : {20, 40, 10}) {
    ChannelState& channel = state.channels[ChannelId("c" + std::to_string(second))];
    channel.ladder.msk =
        *MakeMsk(channel.ladder, channel.channel, CsbId(0), at(second), at(999), rng);
  }
  EXPECT_EQ(LastMade(state), at(40)) << "when it is planned to end does not count";
  ChannelState& channel = state.channels.begin()->second;
  channel.ladder.next_msk =
      *MakeMsk(channel.ladder, channel.channel, CsbId(0), at(50), at(999), rng);
  EXPECT_EQ(LastMade(state), at(50));
  Rekey rekey;
  rekey.prepared_at = at(60);
  rekey.switch_at = at(900);
  channel.history.push_back(rekey);
  EXPECT_EQ(LastMade(state), at(60));
  state.tickets.keys[1] = {1, {}, at(70), at(999)};
  EXPECT_EQ(LastMade(state), at(70));
}

}  // namespace
}  // namespace keymast::rekey
