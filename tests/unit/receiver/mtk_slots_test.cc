// SPDX-License-Identifier: Apache-2.0
// Which key is in use, and when an older one goes.
#include "receiver/mtk_slots.h"

#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

class Slots : public testing::Test {
 protected:
  void SetUp() override {
    Hold(1);
    Hold(2);
  }
  void Hold(uint16_t number) {
    MskSlot msk;
    msk.id = Msk(number);
    msks_.Install(msk);
  }
  // Install returns the new key's serial.
  uint64_t Install(uint16_t msk, uint16_t mtk, Instant at = At(0)) {
    MtkSlot slot;
    slot.msk = Msk(msk);
    slot.mtk = MtkId(mtk);
    slot.installed_at = at;
    MtkSlot evicted;
    slots_.Install(slot, evicted);
    evicted_ = evicted.mtk;
    return slots_.Find(Msk(msk), MtkId(mtk))->serial;
  }
  std::vector<uint16_t> RetiredAt(Instant now) {
    std::vector<uint16_t> retired;
    MtkSlot slot;
    while (slots_.Retire(now, msks_, slot)) retired.push_back(slot.mtk.value);
    std::sort(retired.begin(), retired.end());
    return retired;
  }
  bool Holds(uint16_t msk, uint16_t mtk) const {
    return slots_.Find(Msk(msk), MtkId(mtk)) != nullptr;
  }

  MskSlots msks_;
  MtkSlots slots_;
  MtkId evicted_;
};

TEST_F(Slots, BeforeMediaTheNewestIsCurrent) {
  EXPECT_EQ(slots_.Current(), nullptr);
  Install(1, 1);
  Install(1, 2);
  EXPECT_EQ(slots_.Current()->mtk, MtkId(2));
  EXPECT_EQ(slots_.changes(), 0u);
}

TEST_F(Slots, MediaDecidesWhichKeyIsCurrent) {
  const uint64_t first = Install(1, 1);
  const uint64_t next = Install(1, 2);
  slots_.Used(first, At(10));
  EXPECT_EQ(slots_.Current()->mtk, MtkId(1));
  EXPECT_EQ(slots_.changes(), 0u);
  slots_.Used(next, At(20));
  EXPECT_EQ(slots_.Current()->mtk, MtkId(2));
  EXPECT_EQ(slots_.changes(), 1u);
  slots_.Used(first, At(30));  // a late packet
  EXPECT_EQ(slots_.Current()->mtk, MtkId(2));
  EXPECT_EQ(slots_.changes(), 1u);
}

TEST_F(Slots, OlderKeysGoAfterTheirGrace) {
  slots_.Used(Install(1, 1), At(10));
  slots_.Used(Install(1, 2), At(20));
  EXPECT_TRUE(RetiredAt(At(5010)).empty());
  slots_.Used(1, At(5015));
  EXPECT_TRUE(RetiredAt(At(10'000)).empty());
  EXPECT_EQ(RetiredAt(At(10'016)), std::vector<uint16_t>{1});
  EXPECT_TRUE(Holds(1, 2));
}

TEST_F(Slots, TheKeyInUseStaysHoweverLongItIsSilent) {
  slots_.Used(Install(1, 1), At(0));
  Install(1, 2);
  Install(1, 3);
  EXPECT_TRUE(RetiredAt(At(3'600'000)).empty());
  EXPECT_EQ(slots_.held(), 3u);
}

TEST_F(Slots, PreparedKeysStay) {
  slots_.Used(Install(1, 1), At(0));
  slots_.Used(Install(1, 2), At(10));
  Install(1, 3);
  Install(2, 1);  // under the next MSK
  EXPECT_EQ(RetiredAt(At(20'000)), std::vector<uint16_t>{1});
  EXPECT_TRUE(Holds(1, 3));
  EXPECT_TRUE(Holds(2, 1));
}

TEST_F(Slots, AKeyThatMediaPassedOverGoes) {
  Install(1, 1);
  slots_.Used(Install(1, 2), At(10));
  EXPECT_TRUE(RetiredAt(At(4000)).empty());
  EXPECT_EQ(RetiredAt(At(6000)), std::vector<uint16_t>{1});
}

TEST_F(Slots, UnusedKeysOfAnMskThatWentGoToo) {
  Install(1, 9);
  slots_.Used(Install(2, 1), At(10));
  EXPECT_TRUE(RetiredAt(At(6000)).empty());
  Hold(3);
  EXPECT_EQ(RetiredAt(At(6000)), std::vector<uint16_t>{9});
}

TEST_F(Slots, SixteenAtMostAndNeverWithoutTheOneInUse) {
  slots_.Used(Install(1, 1), At(0));
  for (uint16_t mtk = 2; mtk <= 16; ++mtk) Install(1, mtk);
  EXPECT_EQ(slots_.held(), MtkSlots::kCapacity);
  Install(1, 17);
  EXPECT_EQ(evicted_, MtkId(2));
  EXPECT_TRUE(Holds(1, 1));
  for (uint16_t mtk = 18; mtk <= 100; ++mtk) Install(1, mtk);
  EXPECT_TRUE(Holds(1, 1));
  EXPECT_TRUE(Holds(1, 100));
  EXPECT_EQ(slots_.held(), MtkSlots::kCapacity);
}

TEST_F(Slots, RemovingAnMsksKeysLeavesTheOthers) {
  Install(1, 1);
  Install(2, 1);
  slots_.RemoveUnder(Msk(1));
  EXPECT_FALSE(Holds(1, 1));
  EXPECT_TRUE(Holds(2, 1));
}

TEST_F(Slots, ASerialIsNeverUsedAgain) {
  const uint64_t first = Install(1, 1);
  slots_.RemoveUnder(Msk(1));
  EXPECT_GT(Install(1, 1), first);
  slots_.Used(first, At(0));
  EXPECT_FALSE(slots_.Current()->used());
}

}  // namespace
}  // namespace keymast::receiver
