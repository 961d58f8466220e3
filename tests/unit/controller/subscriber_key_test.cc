// SPDX-License-Identifier: Apache-2.0
// A subscriber that is given another user key.
#include "tests/unit/controller/world.h"

namespace keymast::controller {
namespace {

struct SubscriberKey : testing::Test {
  SubscriberKey() {
    world.MakeChannel();
    world.AddMembers(1, 3);
    world.Pass(seconds(1));
  }
  // A device that knows the new key in the place of the one before.
  void Replace(int member, int key) {
    world.members.erase(member);
    world.members.try_emplace(member, FakeMember(member, key));
  }
  rekey::SubscriberState Known(int member) const {
    return world.core->state().subscribers.at(IdOf(member));
  }
  World world;
};

TEST_F(SubscriberKey, BringsTheMsksInUseAndWhatFollows) {
  const MskId msk = world.ladder().msk->id;
  Replace(1, 71);
  world.Do(UpdateSubscriber{IdOf(1), UserKeyOf(71)});
  EXPECT_TRUE(world.members.at(1).HasMsk(msk));
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 3U);
  EXPECT_EQ(world.CountOf(Event::Kind::kUpdated), 1U);
  const Reply rekey = world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
  world.PassUntil(rekey.rekey->switch_at + seconds(10));
  const rekey::Slot active = *world.ladder().active;
  EXPECT_NE(active.msk, msk);
  EXPECT_TRUE(world.members.at(1).HasMtk(active.msk, active.mtk));
}

TEST_F(SubscriberKey, OutlivesARestart) {
  Replace(1, 71);
  world.Do(UpdateSubscriber{IdOf(1), UserKeyOf(71)});
  world.Restart(seconds(3));
  EXPECT_EQ(Known(1).user_key, UserKeyOf(71));
  EXPECT_EQ(Known(1).subscriber.revision, 2U);
  world.Do(Join{kNews, IdOf(1)});
  EXPECT_EQ(world.core->ConfirmedCount(kNews), 3U);
}

TEST_F(SubscriberKey, SendsNothingToWhoHasNotJoined) {
  world.Do(Leave{kNews, IdOf(2)});
  world.Pass(seconds(3));
  const size_t before = world.MsksTo(2).size();
  Replace(2, 72);
  world.Do(UpdateSubscriber{IdOf(2), UserKeyOf(72)});
  world.Pass(seconds(30));
  EXPECT_EQ(world.MsksTo(2).size(), before);
}

TEST_F(SubscriberKey, IsCheckedAndHasAnEtag) {
  const groups::Version version = groups::VersionOf(Known(1).subscriber);
  EXPECT_EQ(world.Refused(UpdateSubscriber{IdOf(9), UserKeyOf(71)}).error, Error::kNotFound);
  EXPECT_EQ(world.Refused(UpdateSubscriber{IdOf(1), UserKeyOf(2)}).error, Error::kAlreadyExists);
  EXPECT_EQ(world.Refused(UpdateSubscriber{IdOf(1), crypto::Key32()}).violations.at(0).field,
            "subscriber.sealed_credential");
  Replace(1, 71);
  world.Do(UpdateSubscriber{IdOf(1), UserKeyOf(71), version});
  EXPECT_EQ(world.Refused(UpdateSubscriber{IdOf(1), UserKeyOf(73), version}).error,
            Error::kEtagMismatch);
}

TEST_F(SubscriberKey, OfBeforeIsFreeForAnother) {
  Replace(1, 71);
  world.Do(UpdateSubscriber{IdOf(1), UserKeyOf(71)});
  EXPECT_EQ(world.Refused(CreateSubscribers{{{IdOf(8), IdentityOf(8), UserKeyOf(71)}}}).error,
            Error::kAlreadyExists);
  world.Do(CreateSubscribers{{{IdOf(8), IdentityOf(8), UserKeyOf(1)}}});
}

// A key sees no COUNTER twice, whoever had it (RFC 3830 §4.2.3).
TEST_F(SubscriberKey, ThatComesBackGoesOnWithItsCounters) {
  std::set<uint32_t> under_first;
  for (const Sent& sent : world.MsksTo(1)) under_first.insert(sent.counter);
  Replace(1, 71);
  world.Do(UpdateSubscriber{IdOf(1), UserKeyOf(71)});
  Replace(2, 1);
  const size_t before = world.MsksTo(2).size();
  world.Do(UpdateSubscriber{IdOf(2), UserKeyOf(1)});
  const std::vector<Sent> sent = world.MsksTo(2);
  ASSERT_GT(sent.size(), before);
  for (size_t i = before; i < sent.size(); ++i) {
    EXPECT_TRUE(under_first.insert(sent[i].counter).second) << sent[i].counter;
  }
}

// What a member takes is what its join said, whatever its key (MIKEYv2 §10).
TEST_F(SubscriberKey, LeavesWhatTheMemberTakes) {
  groups::Member member = world.channel().members.at(IdOf(3));
  member.no_msk_messages = member.takes_keys = true;
  rekey::State state = world.durable;
  state.channels.at(kNews).members.at(IdOf(3)) = member;
  World other(2, std::move(state));
  other.Do(UpdateSubscriber{IdOf(3), UserKeyOf(73)});
  const groups::Member& after = other.channel().members.at(IdOf(3));
  EXPECT_TRUE(after.no_msk_messages && after.takes_keys);
  EXPECT_TRUE(other.MsksTo(3).empty());
  ASSERT_EQ(other.of_version2.size(), 1U) << "KEYS, under the new key";
}

TEST_F(SubscriberKey, TheSameAgainChangesNothing) {
  const size_t changes = world.changes.size();
  world.Do(UpdateSubscriber{IdOf(1), UserKeyOf(1)});
  EXPECT_EQ(world.changes.size(), changes);
}

}  // namespace
}  // namespace keymast::controller
