// SPDX-License-Identifier: Apache-2.0
#include "headend/key_slots.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace keymast::headend {
namespace {

using std::chrono::seconds;

KeyName Name(uint16_t msk, uint16_t mtk) { return {{KeyGroup(1), KeyNumber(msk)}, MtkId(mtk)}; }
Instant At(int second) { return Instant(seconds(second)); }

struct Slots : testing::Test {
  Result<KeySlots::Outcome> Announce(const KeyName& name, int second, uint64_t epoch = 1) {
    return slots.Announce({name, At(second), epoch}, [&] {
      ++made;
      return Result<std::vector<srtpio::Session>>(std::vector<srtpio::Session>());
    });
  }
  std::optional<KeyName> CurrentAt(int second) {
    slots.Advance(At(second));
    return slots.current() ? std::optional(slots.current()->key.name) : std::nullopt;
  }
  std::vector<KeyName> Held() const {
    std::vector<KeyName> names;
    for (const KeySlot& slot : slots.announced()) names.push_back(slot.key.name);
    return names;
  }
  KeySlots slots;
  int made = 0;
};

TEST_F(Slots, SwitchesAtTheInstantAndNotBefore) {
  EXPECT_EQ(CurrentAt(0), std::nullopt);
  EXPECT_EQ(Announce(Name(1, 1), 0), KeySlots::Outcome::kNew);
  EXPECT_EQ(CurrentAt(0), Name(1, 1));
  EXPECT_EQ(slots.switches(), 0u) << "the first key is no switch";
  Announce(Name(1, 2), 10);
  EXPECT_EQ(slots.next_switch(), At(10));
  EXPECT_EQ(CurrentAt(9), Name(1, 1));
  EXPECT_EQ(CurrentAt(10), Name(1, 2));
  EXPECT_EQ(slots.switches(), 1u);
  EXPECT_EQ(slots.next_switch(), kNever);
  EXPECT_TRUE(Held().empty());
}

TEST_F(Slots, ALateBoxIsUsedAtOnce) {
  Announce(Name(1, 1), 0);
  CurrentAt(50);
  Announce(Name(1, 7), 20);
  EXPECT_EQ(CurrentAt(50), Name(1, 7));
}

TEST_F(Slots, SessionsAreMadeOnceAKey) {
  Announce(Name(1, 1), 10);
  EXPECT_EQ(Announce(Name(1, 1), 20), KeySlots::Outcome::kMoved);
  EXPECT_EQ(CurrentAt(15), std::nullopt) << "a held switch was given a new instant";
  EXPECT_EQ(CurrentAt(20), Name(1, 1));
  EXPECT_EQ(Announce(Name(1, 1), 30), KeySlots::Outcome::kInUse);
  EXPECT_EQ(made, 1);
}

TEST_F(Slots, AnInstantMayAlsoComeEarlier) {
  Announce(Name(1, 1), 20);
  Announce(Name(1, 1), 10);
  EXPECT_EQ(CurrentAt(10), Name(1, 1));
}

TEST_F(Slots, NeverGoesBack) {
  Announce(Name(2, 5), 0);
  CurrentAt(0);
  EXPECT_EQ(Announce(Name(2, 4), 0), Err(Error::kReplayed));
  EXPECT_EQ(Announce(Name(1, 9), 50), Err(Error::kReplayed));
  EXPECT_EQ(CurrentAt(100), Name(2, 5));
}

TEST_F(Slots, AnExclusionVoidsWhatWasPrepared) {
  Announce(Name(1, 1), 0);
  CurrentAt(0);
  Announce(Name(1, 2), 10);
  Announce(Name(2, 1), 12);  // a new MSK, although later than the prepared switch
  EXPECT_EQ(Held(), std::vector{Name(2, 1)});
  EXPECT_EQ(CurrentAt(11), Name(1, 1)) << "the dropped key is never used";
  EXPECT_EQ(CurrentAt(12), Name(2, 1));
}

TEST_F(Slots, AnEarlierKeyOfTheSameMskStaysForItsTime) {
  Announce(Name(1, 3), 10);
  Announce(Name(1, 4), 20);
  EXPECT_EQ(Held(), (std::vector{Name(1, 3), Name(1, 4)}));
  Announce(Name(1, 5), 20);
  EXPECT_EQ(Held(), (std::vector{Name(1, 3), Name(1, 5)})) << "4 would never be used";
}

TEST_F(Slots, SeveralDueAtOnceGiveTheNewest) {
  Announce(Name(1, 1), 1);
  Announce(Name(1, 2), 2);
  Announce(Name(1, 3), 30);
  EXPECT_EQ(CurrentAt(20), Name(1, 2));
  EXPECT_EQ(Held(), std::vector{Name(1, 3)});
}

TEST_F(Slots, HoldsABoundedNumber) {
  for (uint16_t i = 1; i <= KeySlots::kCapacity; ++i) EXPECT_TRUE(Announce(Name(1, i), i));
  EXPECT_EQ(Announce(Name(1, 100), 100), Err(Error::kNoSpace));
}

TEST_F(Slots, WhatCannotBeMadeChangesNothing) {
  Announce(Name(1, 1), 0);
  Announce(Name(1, 2), 10);
  const auto refused = slots.Announce({Name(2, 1), At(5), 9}, [] {
    return Result<std::vector<srtpio::Session>>(Err(Error::kUnsupportedAlgorithm));
  });
  EXPECT_EQ(refused, Err(Error::kUnsupportedAlgorithm));
  EXPECT_EQ(Held(), (std::vector{Name(1, 1), Name(1, 2)}));
}

// Four keys of a scheduled MSK change, an exclusion behind it: in whatever order their boxes come,
// the last one is in use at the end, and the ids never fall.
TEST_F(Slots, EveryOrderOfAnnouncementsEndsAtTheNewest) {
  std::vector<std::pair<KeyName, int>> keys = {
      {Name(1, 8), 0}, {Name(1, 9), 10}, {Name(2, 1), 20}, {Name(3, 1), 14}};
  std::sort(keys.begin(), keys.end());
  do {
    for (const int step : {1, 7, 40}) {  // seconds between two boxes
      slots = KeySlots();
      std::optional<KeyName> before;
      int second = 0;
      for (const auto& [name, at] : keys) {
        static_cast<void>(Announce(name, at));
        const auto current = CurrentAt(second);
        EXPECT_GE(current, before);
        before = current;
        second += step;
      }
      EXPECT_EQ(CurrentAt(200), Name(3, 1));
      EXPECT_TRUE(Held().empty());
    }
  } while (std::next_permutation(keys.begin(), keys.end()));
}

}  // namespace
}  // namespace keymast::headend
