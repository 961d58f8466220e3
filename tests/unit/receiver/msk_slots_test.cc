// SPDX-License-Identifier: Apache-2.0
#include "receiver/msk_slots.h"

#include "tests/unit/receiver/broadcast.h"

namespace keymast::receiver {
namespace {

MskSlot Slot(uint16_t number, uint16_t high = 9) {
  MskSlot slot;
  slot.id = Msk(number);
  slot.low = MtkId(1);
  slot.high = MtkId(high);
  return slot;
}

TEST(MskSlotsTest, EmptyHoldsNothing) {
  const MskSlots slots;
  EXPECT_EQ(slots.Newest(), nullptr);
  EXPECT_EQ(slots.Find(Msk(1)), nullptr);
  EXPECT_EQ(slots.Find(MskId()), nullptr) << "a free slot has no name";
}

TEST(MskSlotsTest, TheOlderOfTwoMakesRoom) {
  MskSlots slots;
  EXPECT_TRUE(slots.Install(Slot(7)));
  EXPECT_TRUE(slots.Install(Slot(3)));
  EXPECT_EQ(slots.Newest()->id, Msk(3)) << "newest by arrival, not by number";
  EXPECT_TRUE(slots.Install(Slot(5)));
  EXPECT_EQ(slots.Find(Msk(7)), nullptr);
  EXPECT_NE(slots.Find(Msk(3)), nullptr);
}

TEST(MskSlotsTest, TheSameIdKeepsItsPlaceAndAge) {
  MskSlots slots;
  slots.Install(Slot(1));
  slots.Install(Slot(2));
  EXPECT_FALSE(slots.Install(Slot(1, 77)));
  EXPECT_EQ(slots.Find(Msk(1))->high, MtkId(77));
  EXPECT_EQ(slots.Newest()->id, Msk(2));
  slots.Install(Slot(3));
  EXPECT_EQ(slots.Find(Msk(1)), nullptr);
}

TEST(MskSlotsTest, ARemovedPlaceIsTakenFirst) {
  MskSlots slots;
  slots.Install(Slot(1));
  slots.Install(Slot(2));
  slots.Remove(Msk(2));
  slots.Remove(Msk(9));
  slots.Install(Slot(3));
  EXPECT_NE(slots.Find(Msk(1)), nullptr);
  EXPECT_NE(slots.Find(Msk(3)), nullptr);
}

}  // namespace
}  // namespace keymast::receiver
