// SPDX-License-Identifier: Apache-2.0
// What a member holds between GROUP_REKEYs: packets that wait, verification keys, and where it
// stands by what answers and KEYS say (MIKEYv2 §10).
#include <gtest/gtest.h>

#include "tests/unit/mikey/v2_group.h"

namespace keymast::mikey::v2 {
namespace {

class GroupState : public testing::Test, public Group {
 protected:
  void Wait(uint32_t epoch, uint32_t t) {
    tree_.found_ = TreeKeys::Found::kNotYet;
    EXPECT_EQ(Take(One(RekeyOf(1, epoch, t))).event, Event::kKept);
    tree_.found_ = TreeKeys::Found::kRoot;
  }
  Bytes Rolling(size_t packets, size_t index) const {
    Rekey rekey = RekeyOf(packets);
    rekey.next_signer = &next_;
    return Write(rekey)[index];
  }
};

TEST_F(GroupState, APacketWaitsForKeys) {
  Wait(6, 11);
  EXPECT_EQ(reader_.t(), 9u);
  EXPECT_EQ(reader_.pending(), 1u);
  EXPECT_EQ(Take(One(RekeyOf(1, 5, 10))).event, Event::kApplied);
  const auto resumed = reader_.Resume();
  EXPECT_EQ(resumed.event, Event::kApplied);
  EXPECT_EQ(resumed.head.update.epoch, 6u);
  EXPECT_EQ(reader_.epoch(), 6u);
  EXPECT_EQ(reader_.t(), 11u);
  EXPECT_EQ(reader_.pending(), 0u);
  EXPECT_EQ(reader_.Resume().event, Event::kNone);
}

TEST_F(GroupState, PacketsAreResumedInTheirOrder) {
  for (const uint32_t epoch : {8u, 6u, 7u}) Wait(epoch, epoch + 5);
  for (const uint32_t epoch : {6u, 7u, 8u}) {
    EXPECT_EQ(reader_.Resume().head.update.epoch, epoch);
    EXPECT_EQ(reader_.epoch(), epoch);
  }
}

TEST_F(GroupState, OnePacketOfAnEpochWaits) {
  Wait(6, 11);
  tree_.found_ = TreeKeys::Found::kNotYet;
  EXPECT_EQ(ErrorOf(One(RekeyOf(1, 6, 11))), Error::kAlreadyHeld);
  EXPECT_EQ(reader_.pending(), 1u);
}

TEST_F(GroupState, TheNewestFourEpochsWait) {
  for (const uint32_t epoch : {5u, 6u, 7u, 8u}) Wait(epoch, epoch + 5);
  Wait(9, 14);
  EXPECT_EQ(reader_.pending(), kMaxPending);
  tree_.found_ = TreeKeys::Found::kNotYet;
  EXPECT_EQ(ErrorOf(One(RekeyOf(1, 5, 10))), Error::kOutsideInterval);
  tree_.found_ = TreeKeys::Found::kRoot;
  EXPECT_EQ(reader_.Resume().head.update.epoch, 6u);
}

TEST_F(GroupState, WhatIsPastDoesNotWaitAnyLonger) {
  Wait(5, 10);
  Wait(6, 11);
  EXPECT_EQ(Take(One(RekeyOf(1, 6, 11))).event, Event::kApplied);
  EXPECT_EQ(reader_.pending(), 0u);
  // Its T is not above that of the last applied update.
  Wait(8, 12);
  EXPECT_EQ(Take(One(RekeyOf(1, 7, 13))).event, Event::kApplied);
  EXPECT_EQ(reader_.pending(), 1u);
  EXPECT_EQ(reader_.Resume().event, Event::kNone);
  EXPECT_EQ(reader_.pending(), 0u);
  EXPECT_EQ(reader_.epoch(), 7u);
}

TEST_F(GroupState, WhatStillLacksItsKeysGoesOnWaiting) {
  Wait(6, 11);
  tree_.found_ = TreeKeys::Found::kNotYet;
  EXPECT_EQ(reader_.Resume().event, Event::kNone);
  EXPECT_EQ(reader_.pending(), 1u);
  tree_.found_ = TreeKeys::Found::kNothingHere;
  EXPECT_EQ(reader_.Resume().event, Event::kNone);
  EXPECT_EQ(reader_.pending(), 0u);
  Wait(6, 11);
  tree_.root_ = Bytes(32, 0x41);
  EXPECT_EQ(reader_.Resume().event, Event::kKeysStale);
  EXPECT_EQ(reader_.pending(), 0u);
  EXPECT_EQ(reader_.epoch(), 4u);
}

TEST_F(GroupState, AKeyRollCountsWhetherOrNotTheUpdateIsApplied) {
  tree_.found_ = TreeKeys::Found::kNothingHere;
  EXPECT_EQ(Take(Rolling(3, 0)).event, Event::kNothingHere);
  EXPECT_EQ(reader_.verification_key(), 2u);
  tree_.found_ = TreeKeys::Found::kRoot;
  // The old key signs the rest of that update, and nothing else.
  EXPECT_EQ(ErrorOf(One(RekeyOf(1, 5, 11))), Error::kUnknownKey);
  EXPECT_EQ(ErrorOf(One(RekeyOf(1, 6, 10))), Error::kUnknownKey);
  EXPECT_EQ(Take(Rolling(3, 2)).event, Event::kApplied);
  EXPECT_EQ(reader_.verification_key(), 2u);
  EXPECT_EQ(Take(Write(RekeyOf(1, 6, 11), next_)[0]).event, Event::kApplied);
}

TEST_F(GroupState, AStaleMemberRollsToo) {
  Rekey rekey = RekeyOf(1, 4 + 65);
  rekey.next_signer = &next_;
  EXPECT_EQ(Take(One(rekey)).event, Event::kFarAhead);
  EXPECT_EQ(reader_.verification_key(), 2u);
}

// MIKEYv2 §10: whoever has the old key has it still.
TEST_F(GroupState, WhatWasSaidBeforeAKeyRollDoesNotUndoIt) {
  const Instant before = now_ - std::chrono::seconds(1);
  tree_.found_ = TreeKeys::Found::kNotYet;
  EXPECT_EQ(Take(Rolling(1, 0)).event, Event::kKept);
  EXPECT_TRUE(reader_.Install(Place(4, 9), true, before));  // KEYS that were held back
  EXPECT_TRUE(reader_.Install(Place(4, 9), false));
  EXPECT_EQ(reader_.verification_key(), 2u);
  tree_.found_ = TreeKeys::Found::kRoot;
  EXPECT_EQ(reader_.Resume().event, Event::kApplied);
  EXPECT_EQ(ErrorOf(One(RekeyOf(1, 6, 11))), Error::kUnknownKey);
  EXPECT_EQ(Take(Write(RekeyOf(1, 6, 11), next_)[0]).event, Event::kApplied);
}

// Else who has the old key could shut out the controller by a roll of its own.
TEST_F(GroupState, WhoAsksBehindAKeyRollIsToldWhoSigns) {
  tree_.found_ = TreeKeys::Found::kNothingHere;
  EXPECT_EQ(Take(Rolling(1, 0)).event, Event::kNothingHere);
  EXPECT_TRUE(reader_.Install(Place(4, 9), true, now_ + std::chrono::seconds(1)));
  EXPECT_EQ(reader_.verification_key(), 1u);
}

TEST_F(GroupState, KeysOfTheEpochOfAKeyRollOrLaterTellWhoSigns) {
  tree_.found_ = TreeKeys::Found::kNothingHere;
  EXPECT_EQ(Take(Rolling(1, 0)).event, Event::kNothingHere);
  EXPECT_TRUE(reader_.Install(Place(5, 10, kNewMskId), false));
  EXPECT_EQ(reader_.verification_key(), 1u);
}

TEST_F(GroupState, AnotherTreeKnowsNothingOfAKeyRoll) {
  tree_.found_ = TreeKeys::Found::kNothingHere;
  EXPECT_EQ(Take(Rolling(1, 0)).event, Event::kNothingHere);
  Contents other = Place(1, 20);
  other.member->tree_id = kOtherTreeId;
  EXPECT_TRUE(reader_.Install(other, true));
  EXPECT_EQ(reader_.verification_key(), 1u);
}

TEST_F(GroupState, AnotherTreeRollsNothing) {
  Rekey rekey = RekeyOf(0);
  rekey.head.update.tree_id = kOtherTreeId;
  rekey.next_signer = &next_;
  EXPECT_EQ(Take(One(rekey)).event, Event::kOtherTree);
  EXPECT_EQ(reader_.verification_key(), 1u);
}

TEST_F(GroupState, ARollToAKeyThatNobodyHasIsDropped) {
  const Bytes rolling = Rolling(1, 0);
  Bytes data;
  const Bytes bad = Forge(rolling, [&](Header&, std::vector<Payload>& payloads) {
    auto& ext = std::get<ExtPayload>(payloads[4]);
    ASSERT_EQ(ext.ext_type, ExtType::kKeyRoll);
    data.assign(ext.data.begin(), ext.data.end());
    data.back() ^= 1;
    ext.data = data;
  });
  EXPECT_EQ(ErrorOf(bad), Error::kAuthenticationFailed);
  // The new key has signed for another old one.
  Rekey other = RekeyOf();
  other.next_signer = &next_;
  const SigningKey third{3, key_};
  const Bytes of_third = Write(other, third)[0];
  Message message;
  ASSERT_TRUE(ParseMessage(of_third, message));
  const Bytes moved = Forge(rolling, [&](Header&, std::vector<Payload>& payloads) {
    std::get<ExtPayload>(payloads[4]).data = message.Get<ExtPayload>(3)->data;
  });
  EXPECT_EQ(ErrorOf(moved), Error::kAuthenticationFailed);
}

TEST_F(GroupState, OlderKeysAreNotInstalled) {
  EXPECT_EQ(reader_.Install(Place(3, 9), true).error(), Error::kReplayed);
  EXPECT_EQ(reader_.Install(Place(4, 9, 0x00070000), true).error(), Error::kReplayed);
  EXPECT_EQ(reader_.epoch(), 4u);
  EXPECT_TRUE(reader_.Install(Place(4, 12), false));
  EXPECT_EQ(reader_.t(), 12u);
  EXPECT_TRUE(reader_.Install(Place(4, 5), false));
  EXPECT_EQ(reader_.t(), 12u);  // it takes over what is greater
  EXPECT_TRUE(reader_.Install(Place(5, 12, 0x00070000), false));
  EXPECT_EQ(reader_.epoch(), 5u);
}

// Who holds the next MSK is still told the active one beside it.
TEST_F(GroupState, TheNewestMskIsCompared) {
  EXPECT_TRUE(reader_.Install(Place(4, 9, kNewMskId), true));
  Contents both = Place();
  both.keys.clear();
  both.keys.Add(MskData(kOldMsk));
  both.keys.Add(MskData(kNewMsk));
  both.rands.Add(kNonce);
  both.msks.Add({kGroupDomain.octets, kNewMskId, 0});
  EXPECT_TRUE(reader_.Install(both, false));
  EXPECT_EQ(reader_.Install(Place(), false).error(), Error::kReplayed);
}

TEST_F(GroupState, KeysOfAnotherGroupAreNotInstalled) {
  Contents other = Place();
  const Bytes domain{1, 2, 4};
  other.msks.clear();
  other.msks.Add({domain, kOldMskId, 3});
  EXPECT_EQ(reader_.Install(other, true).error(), Error::kUnknownChannel);
  EXPECT_EQ(reader_.Install(Place(4, 9, 0x00080001), true).error(), Error::kUnknownChannel);
  other = Place();
  other.member.reset();
  EXPECT_EQ(reader_.Install(other, true).error(), Error::kMalformed);
  other = Place();
  other.keys.Add(other.keys[1]);
  EXPECT_EQ(reader_.Install(other, true).error(), Error::kMalformed);  // two verification keys
  other = Place();
  other.msks.Add({kGroupDomain.octets, kNewMskId, 3});
  EXPECT_EQ(reader_.Install(other, true).error(), Error::kMalformed);
}

TEST_F(GroupState, ANewTreeIsAskedFor) {
  Wait(6, 11);
  Contents other = Place(1, 20);
  other.member->tree_id = kOtherTreeId;
  EXPECT_EQ(reader_.Install(other, false).error(), Error::kUnexpected);
  EXPECT_EQ(reader_.pending(), 1u);
  EXPECT_TRUE(reader_.Install(other, true));
  EXPECT_EQ(reader_.pending(), 0u);
  EXPECT_TRUE(Equal(reader_.tree_id(), kOtherTreeId));
  EXPECT_EQ(reader_.epoch(), 1u);
  EXPECT_EQ(reader_.t(), 20u);
  // The T of the group rises over all trees.
  Rekey rekey = RekeyOf(1, 2, 20);
  rekey.head.update.tree_id = kOtherTreeId;
  EXPECT_EQ(ErrorOf(One(rekey)), Error::kReplayed);
  rekey.head.t = 21;
  EXPECT_EQ(Take(One(rekey)).event, Event::kApplied);
}

TEST_F(GroupState, KeysThatComeLateResumeWhatWaits) {
  Wait(6, 11);
  EXPECT_TRUE(reader_.Install(Place(5, 10, kNewMskId), true));
  EXPECT_EQ(reader_.Resume().event, Event::kApplied);
  EXPECT_EQ(reader_.epoch(), 6u);
}

TEST_F(GroupState, AnMskThatIsRetiredFiltersNothing) {
  Rekey rekey = RekeyOf(1, 6, 11);
  const Bytes wrong_msk(16, 0x99);
  rekey.before->key = wrong_msk;
  const Bytes under_another = One(rekey);
  EXPECT_EQ(Take(One(RekeyOf())).event, Event::kApplied);
  EXPECT_EQ(ErrorOf(under_another), Error::kAuthenticationFailed);
  reader_.Retire(MskId::FromValue(kOldMskId));
  EXPECT_EQ(Take(under_another).event, Event::kApplied);
}

}  // namespace
}  // namespace keymast::mikey::v2
