// SPDX-License-Identifier: Apache-2.0
// What shares a record: the promise on which the skip after lost commits rests.
#include "records/split.h"

#include "tests/unit/records/site.h"

namespace keymast::records {
namespace {

using Changes = std::vector<rekey::Change>;

const ChannelId kNews{"news"};
const ChannelId kSport{"sport"};

rekey::LadderPut Put(const ChannelId& id, uint16_t number, uint64_t epoch, uint64_t end) {
  rekey::Ladder ladder;
  ladder.msk.emplace();
  ladder.msk->counter.end = end;
  ladder.last_key_number = KeyNumber(number);
  ladder.epoch = epoch;
  return {id, ladder};
}

bool Fit(const Changes& a, const Changes& b, size_t octets = 1 << 16) {
  SharedRoom room(octets);
  return room.Take(a) && room.Take(b);
}

size_t Records(const Changes& changes, size_t octets = 1 << 16) {
  return Split(changes, octets, [](const ChannelId&) { return true; })->size();
}

TEST(Split, ARecordMakesOneMskOfAChannel) {
  EXPECT_TRUE(Fit({Put(kNews, 1, 1, 100)}, {Put(kNews, 1, 1, 100)}));
  EXPECT_FALSE(Fit({Put(kNews, 1, 1, 100)}, {Put(kNews, 2, 1, 100)}));
  EXPECT_TRUE(Fit({Put(kNews, 1, 1, 100)}, {Put(kSport, 2, 1, 100)}));
  EXPECT_EQ(Records({Put(kNews, 1, 1, 100), Put(kNews, 2, 1, 100)}), 2U);
}

TEST(Split, ARecordReservesOneBlockUnderAnMsk) {
  EXPECT_FALSE(Fit({Put(kNews, 1, 1, 100)}, {Put(kNews, 1, 1, 200)}));
  rekey::LadderPut next = Put(kNews, 1, 1, 100);
  next.ladder.next_msk = next.ladder.msk;
  EXPECT_FALSE(Fit({Put(kNews, 1, 1, 100)}, {next}));
}

TEST(Split, ARecordMakesOneEpoch) {
  EXPECT_FALSE(Fit({Put(kNews, 1, 1, 100)}, {Put(kNews, 1, 2, 100)}));
}

TEST(Split, ARecordReservesOneBlockForUserKeys) {
  const Changes changes = {rekey::MukCounterReserved{512}};
  EXPECT_FALSE(Fit(changes, changes));
  EXPECT_EQ(Records({changes[0], changes[0], changes[0]}), 3U);
}

TEST(Split, ARetiredGroupGivesNoOtherMskInTheSameRecord) {
  const rekey::KeyGroupRetired retired{{KeyDomainId{}, KeyGroup(7)}, KeyNumber(4)};
  EXPECT_FALSE(Fit({Put(kNews, 4, 1, 100), retired}, {Put(kSport, 5, 1, 100)}));
}

TEST(Split, ARecordHasRoomForSoMuch) {
  const rekey::Change member = rekey::MemberPut{kNews, {}};
  const size_t size = *SizeOf(member);
  EXPECT_TRUE(Fit({member}, {member}, 2 * size));
  EXPECT_FALSE(Fit({member}, {member}, 2 * size - 1));
  EXPECT_EQ(Records(Changes(10, member), 4 * size), 3U);
  EXPECT_EQ(Records({}), 1U);
}

// A smaller step must not overtake the one that has to go into the next record.
TEST(Split, ASharedRecordIsClosedByAStepThatDoesNotFit) {
  const rekey::Change member = rekey::MemberPut{kNews, {}};
  SharedRoom room(3 * *SizeOf(member));
  EXPECT_TRUE(room.Take({member}));
  EXPECT_FALSE(room.Take({member, member, member}));
  EXPECT_FALSE(room.Take({member}));
}

// LadderPut does not make a channel: over a newer page it would find one that is made later.
TEST(Split, LeavesOutWhatApplyIgnores) {
  groups::Channel channel;
  channel.id = kNews;
  const Changes changes = {Put(kNews, 1, 1, 100), rekey::ChannelPut{channel}, Put(kNews, 2, 1, 100),
                           rekey::ChannelDeleted{kNews}, Put(kNews, 3, 1, 100)};
  const auto bodies = Split(changes, 1 << 16, [](const ChannelId&) { return false; });
  std::vector<size_t> kinds;
  for (const auto& body : *bodies) {
    const Status read = ForEachChange(body.changes, [&](const rekey::Change& change, ByteView) {
      kinds.push_back(change.index());
    });
    EXPECT_TRUE(read.has_value());
  }
  EXPECT_EQ(kinds, (std::vector<size_t>{0, 2, 1}));
}

// Whatever a step is, no record of it gives out more than the skip of one commit takes away.
TEST(Split, NoRecordGivesOutMoreThanItsSkip) {
  Dice dice(1);
  for (int round = 0; round < 200; ++round) {
    Changes changes;
    uint16_t number = 1;
    uint64_t end = 1;
    uint64_t user = 1;
    for (int i = 0; i < 20; ++i) {
      if (dice.OneIn(3)) ++number;
      if (dice.OneIn(3)) end += rekey::kMtkCounterBlock;
      if (dice.OneIn(4)) changes.push_back(rekey::MukCounterReserved{user += 256});
      changes.push_back(Put(kNews, number, number, end));
    }
    const auto bodies = Split(changes, 1 << 16, [](const ChannelId&) { return true; });
    for (const auto& body : *bodies) {
      std::set<std::pair<uint16_t, uint64_t>> ladders;
      size_t users = 0;
      const Status read = ForEachChange(body.changes, [&](const rekey::Change& change, ByteView) {
        if (const auto* put = std::get_if<rekey::LadderPut>(&change)) {
          ladders.emplace(put->ladder.last_key_number.value, put->ladder.msk->counter.end);
        }
        users += std::holds_alternative<rekey::MukCounterReserved>(change);
      });
      EXPECT_TRUE(read.has_value());
      EXPECT_LE(ladders.size(), 1U);
      EXPECT_LE(users, 1U);
    }
  }
}

}  // namespace
}  // namespace keymast::records
