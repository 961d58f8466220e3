// SPDX-License-Identifier: Apache-2.0
// Mode early DH of MIKEYv2, and the FRESH that it needs (§8).
#include "tests/unit/mikey/v2_public_key.h"

namespace keymast::mikey::v2 {
namespace {

using crypto::KeyKind;

class EarlyDh : public testing::TestWithParam<KeyKind> {
 protected:
  EarlyDh() { certified.pair.peer.shown = Shown::kHash; }

  // Freshen leaves the wish with a FRESH as RETRY gives it.
  Wish Freshened(Wish wish) {
    const Bytes again = world.ToOfferer(world.ToAnswerer(world.Open(wish)));
    EXPECT_FALSE(again.empty());
    world.ToOfferer(world.ToAnswerer(world.ToOfferer(world.ToAnswerer(again))));
    EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone)
        << ErrorName(ReasonOf(world.answered_.status))
        << ErrorName(ReasonOf(world.offered_.status));
    fresh_ = Octets<kFreshSize>(world.offerer_.fresh());
    wish.fresh = fresh_.view();
    return wish;
  }

  Certified certified{Mode::kEarlyDh, GetParam()};
  World& world = certified.world;
  Octets<kFreshSize> fresh_;
};
INSTANTIATE_TEST_SUITE_P(Keys, EarlyDh, testing::ValuesIn(kKinds), NameOfKind);

TEST_P(EarlyDh, LeavesBothWithOneSessionBehindARetry) {
  const Bytes cap = world.Open(certified.Session());
  const Bytes retry = world.ToAnswerer(cap);
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kRateLimited);
  EXPECT_LE(retry.size(), cap.size());
  world.ToOfferer(world.ToAnswerer(world.ToOfferer(world.ToAnswerer(world.ToOfferer(retry)))));
  HaveOneSession(world);
  EXPECT_EQ(world.offerer_.exchange().choice.mode, Mode::kEarlyDh);
}

// MIKEYv2 §12: what comes in SDP has its FRESH from there, or none.
TEST_P(EarlyDh, ThereIsNoRetryInTheSignallingPath) {
  world.answerer_.set_in_signalling(true);
  EXPECT_TRUE(world.ToAnswerer(world.Open(certified.Session())).empty());
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kReplayed);
}

TEST_P(EarlyDh, KeysBringTheNextFresh) {
  const Wish wish = Freshened(certified.Session());
  world.Run(wish);
  HaveOneSession(world);
  EXPECT_EQ(world.offerer_.exchange().choice.mode, Mode::kEarlyDh);
}

TEST_P(EarlyDh, AJoinHasItsKeysInTheAnswer) {
  const Wish wish = Freshened(certified.Join());
  world.others_.grants_ = 0;
  const Bytes answer = world.ToAnswerer(world.Open(wish));
  const Bytes finish = world.ToOfferer(answer);
  ASSERT_TRUE(world.offered_.status) << ErrorName(world.offered_.status.error());
  EXPECT_TRUE(world.offerer_.has_keys());
  EXPECT_EQ(world.others_.grants_, 1);
  world.ToOfferer(world.ToAnswerer(finish));
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
}

TEST_P(EarlyDh, EveryFlippedBitIsDropped) {
  const Wish wish = Freshened(certified.Session());
  world.others_.grants_ = 0;
  DropsEveryFlip(world, wish, 3);
}

TEST_P(EarlyDh, AnAnswererWithModeDhAnswersInIt) {
  world.policy_.modes.Add(static_cast<uint8_t>(Mode::kPsk));
  world.policy_.modes.Add(static_cast<uint8_t>(Mode::kDh));
  Policy early = world.policy_;  // mode 5 alone is offered: it implies mode 3
  early.modes.clear();
  early.modes.Add(static_cast<uint8_t>(Mode::kEarlyDh));
  Offerer offerer(crypto::DefaultSuite(), early, &certified.pair.member);
  Bytes cap(kMaxOneDatagram);
  cap.resize(*offerer.Open(certified.Session(), world.now_, world.rng_, cap));
  const Bytes answer = world.ToAnswerer(cap);
  ASSERT_TRUE(world.answered_.status) << ErrorName(world.answered_.status.error());
  Bytes finish(kMaxOneDatagram);
  finish.resize(offerer.Receive(answer, world.now_, world.rng_, finish).send);
  EXPECT_EQ(offerer.exchange().choice.mode, Mode::kDh);
  const Bytes keys = world.ToAnswerer(finish);
  EXPECT_EQ(world.answered_.event, Answerer::Event::kVerified);
  offerer.Receive(keys, world.now_, world.rng_, finish);
  EXPECT_EQ(offerer.state(), Offerer::State::kDone);
  EXPECT_FALSE(offerer.fresh().empty());
}

// A forged RETRY, or none, takes no forward secrecy away: never a mode further down.
TEST_P(EarlyDh, NoModeFurtherDownIsTaken) {
  world.policy_.modes.Add(static_cast<uint8_t>(Mode::kPsk));
  Wish wish = certified.Session();
  wish.psk = kPskOctets;
  world.ToAnswerer(world.Open(wish));
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kRateLimited);
}

TEST_P(EarlyDh, ARecordedCapIsAnsweredFromTheCacheAlone) {
  const Wish wish = Freshened(certified.Session());
  const Bytes cap = world.Open(wish);
  const Bytes answer = world.ToAnswerer(cap);
  const int granted = world.others_.grants_;
  // A copy from another address gets the same octets.
  EXPECT_EQ(world.ToAnswerer(cap, "10.0.0.66:1"), answer);
  world.now_ += ExchangeCache::kIdle + std::chrono::milliseconds(1);
  EXPECT_TRUE(world.ToAnswerer(cap).empty());
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kReplayed);
  EXPECT_EQ(world.others_.grants_, granted);
}

TEST_P(EarlyDh, FreshGetsOld) {
  const Wish wish = Freshened(certified.Session());
  world.now_ += 2 * Fresh::kPeriod;
  world.ToAnswerer(world.Open(wish));
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kRateLimited);
}

TEST_P(EarlyDh, FreshOfAnotherStartIsNone) {
  const Wish wish = Freshened(certified.Session());
  const Bytes cap = world.Open(wish);
  crypto::SeededRng others(99);
  Answerer restarted(crypto::DefaultSuite(), world.policy_, world.others_, 4, others,
                     &certified.pair.peer);
  Bytes out(kMaxOneDatagram);
  const auto outcome = restarted.Receive(cap, AsBytes("a"), world.now_, others, out);
  EXPECT_EQ(ReasonOf(outcome.status), Error::kRateLimited);
}

TEST(FreshOfVersion2, HasRoomForSoMany) {
  crypto::SeededRng rng(3);
  Fresh fresh(crypto::DefaultSuite(), 2, rng);
  Digest th{};
  for (uint8_t i = 0; i < 2; ++i) {
    th[0] = i;
    EXPECT_TRUE(fresh.Remember(th, kMemberId, kStart));
    EXPECT_FALSE(fresh.Remember(th, kMemberId, kStart));
    EXPECT_TRUE(fresh.WasAnswered(th, kStart + Fresh::kPeriod));
  }
  th[0] = 2;
  EXPECT_FALSE(fresh.HasRoom(kMemberId, kStart));
  EXPECT_FALSE(fresh.Remember(th, kMemberId, kStart));
  EXPECT_TRUE(fresh.Remember(th, kMemberId, kStart + 2 * Fresh::kPeriod));
  th[0] = 0;
  EXPECT_FALSE(fresh.WasAnswered(th, kStart + 2 * Fresh::kPeriod));
}

TEST(FreshOfVersion2, NobodyTakesTheRoomOfAll) {
  crypto::SeededRng rng(3);
  Fresh fresh(crypto::DefaultSuite(), 2 * Fresh::kShare, rng);
  Digest th{};
  for (size_t i = 0; i < Fresh::kShare; ++i) {
    Writer(th).U32(i);
    EXPECT_TRUE(fresh.Remember(th, kMemberId, kStart));
  }
  Writer(th).U32(Fresh::kShare);
  EXPECT_FALSE(fresh.Remember(th, kMemberId, kStart));
  EXPECT_TRUE(fresh.Remember(th, kPeerId, kStart));
  Writer(th).U32(Fresh::kShare + 1);
  EXPECT_TRUE(fresh.Remember(th, kMemberId, kStart + Fresh::kPeriod));
}

TEST(FreshOfVersion2, TellsMembersAndTheirLeavesApart) {
  crypto::SeededRng rng(3);
  const Fresh fresh(crypto::DefaultSuite(), 2, rng);
  const auto tail = Fresh::MemberTail(kMemberId, 1);
  const auto value = fresh.Make(kStart, tail);
  EXPECT_TRUE(fresh.IsGood(value, kStart, tail));
  EXPECT_TRUE(fresh.IsGood(value, kStart + Fresh::kPeriod, tail));
  EXPECT_FALSE(fresh.IsGood(value, kStart + 2 * Fresh::kPeriod, tail));
  EXPECT_FALSE(fresh.IsGood(value, kStart - Fresh::kPeriod, tail));
  EXPECT_FALSE(fresh.IsGood(value, kStart));
  EXPECT_FALSE(fresh.IsGood(value, kStart, Fresh::MemberTail(kMemberId, 2)));
  EXPECT_FALSE(fresh.IsGood(value, kStart, Fresh::MemberTail(kPeerId, 1)));
  EXPECT_FALSE(fresh.IsGood({}, kStart, tail));
}

// MIKEYv2 §8: a recorded CAP brings nobody back who has left, in any mode.
TEST(FreshOfVersion2, WhoHasLeftComesBackByItsOwn) {
  World world;
  const Bytes recorded = world.Open(world.Join());
  world.others_.leaves_ = 1;
  const Bytes again = world.ToOfferer(world.ToAnswerer(recorded));
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kRateLimited);
  EXPECT_EQ(world.others_.grants_, 0);
  const Bytes answer = world.ToAnswerer(again);
  EXPECT_EQ(world.others_.grants_, 1);
  world.ToOfferer(world.ToAnswerer(world.ToOfferer(answer)));
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
  world.now_ += ExchangeCache::kIdle + std::chrono::milliseconds(1);
  world.ToAnswerer(again);
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kReplayed);
  world.others_.leaves_ = 2;
  world.ToAnswerer(world.Open(world.Join()));
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kRateLimited);
  EXPECT_EQ(world.others_.grants_, 1);
}

}  // namespace
}  // namespace keymast::mikey::v2
