// SPDX-License-Identifier: Apache-2.0
// Joins by certificates that the server has, with others than before, and over a network that loses
// much.
#include "tests/unit/mikey/v2_credentials.h"
#include "tests/unit/receiver/join_world.h"

namespace keymast::receiver {
namespace {

using mikey::v2::Offerer;
using std::chrono::seconds;

std::shared_ptr<mikey::v2::Credentials> MemberOf(long serial = 17) {
  auto recipe = mikey::v2::MemberRecipe(crypto::KeyKind::kEd25519);
  recipe.serial = serial;
  auto all = std::make_shared<mikey::v2::Credentials>();
  all->own.push_back(mikey::v2::CredentialOf(recipe));
  mikey::v2::TrustAuthority(all->trust);
  return all;
}

struct ByHash : testing::Test, JoinWorld {
  ByHash() : JoinWorld("dh"), pair(crypto::KeyKind::kEd25519) {
    answering.modes.clear();
    answering.modes.Add(static_cast<uint8_t>(mikey::v2::Mode::kDh));
    answerer->set_credentials(&pair.peer);
    setup.credentials = MemberOf();
    setup.policy.fragments = 0;
    setup.by_hash = true;
    user_key = {};
    Start();
  }
  // Again forgets what was begun.
  void Again() {
    setup.by_hash = true;
    Start();
  }
  mikey::v2::Pair pair;
};

TEST_F(ByHash, TheServerHasOurs) {
  const Bytes unknown = Tick();
  ASSERT_TRUE(pair.peer.trust.Know({}, setup.credentials->own[0].chain));
  Again();
  const Bytes cap = Tick();
  const Bytes finish = Take(Ask(cap));
  ASSERT_FALSE(finish.empty());
  Take(Ask(finish));
  EXPECT_TRUE(step.has_keys);
  setup.by_hash = false;
  Start();
  EXPECT_GT(Tick().size(), cap.size()) << "the certificate was not sent";
}

// MIKEYv2 §6 rule 4: another exchange, once and beside the first.
TEST_F(ByHash, WhatItLacksIsShownBesideTheFirst) {
  const Bytes first = Tick();
  const Bytes hint = Ask(first);
  ASSERT_FALSE(hint.empty());
  const Bytes whole = Take(hint);
  ASSERT_GT(whole.size(), first.size());
  EXPECT_NE(Bytes(whole.begin() + 4, whole.begin() + 8),
            Bytes(first.begin() + 4, first.begin() + 8))
      << "another CSB ID";
  EXPECT_TRUE(Take(hint).empty()) << "once";
  const Bytes finish = Take(Ask(whole));
  ASSERT_FALSE(finish.empty());
  Take(Ask(finish));
  EXPECT_TRUE(step.has_keys);
  EXPECT_TRUE(joiner->is_joined());
  EXPECT_EQ(joiner->deadline(), kNever);
}

// What nobody has proven ends neither of the two.
TEST_F(ByHash, ARetryToTheFirstEndsNotTheOther) {
  const Bytes first = Tick();
  const Bytes whole = Take(Ask(first));
  ASSERT_GT(whole.size(), first.size());
  answerer->set_under_load(true);
  const Bytes retry = Ask(Bytes(first));
  answerer->set_under_load(false);
  ASSERT_FALSE(retry.empty());
  ASSERT_FALSE(Take(retry).empty()) << "the first goes on with the cookie";
  ASSERT_FALSE(Take(Ask(whole)).empty());
  EXPECT_TRUE(joiner->offerer().state() != Offerer::State::kOffered);
}

// A RETRY begins the first's waits anew: the other one ends before it.
TEST_F(ByHash, BothMayEndInEitherOrder) {
  const Bytes first = Tick();
  Take(Ask(first));
  now = joiner->deadline();
  Tick();
  answerer->set_under_load(true);
  ASSERT_FALSE(Take(Ask(first)).empty());
  while (!step.has_failed) {
    ASSERT_NE(joiner->deadline(), kNever) << "nothing would come any more";
    now = joiner->deadline();
    Tick();
  }
  EXPECT_NE(joiner->deadline(), kNever);
}

// A forged hint ends nothing: the first exchange gets its answer.
TEST_F(ByHash, AHintEndsNothing) {
  const Bytes first = Tick();
  const Bytes hint = Ask(first);
  ASSERT_TRUE(pair.peer.trust.Know({}, setup.credentials->own[0].chain));
  ASSERT_FALSE(Take(hint).empty());
  const Bytes finish = Take(Ask(first));
  ASSERT_FALSE(finish.empty());
  Take(Ask(finish));
  EXPECT_TRUE(step.has_keys);
  EXPECT_EQ(joiner->deadline(), kNever);
}

TEST_F(ByHash, WhereNothingSaysSoTheNextTryShowsIt) {
  const Bytes first = Tick();
  while (!step.has_failed) {
    now = joiner->deadline();
    EXPECT_LE(Tick().size(), first.size());
  }
  now = joiner->deadline();
  EXPECT_GT(Tick().size(), first.size());
}

TEST_F(ByHash, BothAreSentAgainUntilTheyFail) {
  const Bytes first = Tick();
  const Bytes whole = Take(Ask(first));
  std::map<Bytes, int> sent;
  while (!step.has_failed) {
    now = joiner->deadline();
    ++sent[Tick()];
  }
  EXPECT_EQ(sent[first], 3);
  EXPECT_EQ(sent[whole], 3);
  EXPECT_FALSE(joiner->offerer().has_keys());
}

TEST_F(ByHash, AfterAJoinTheServerIsTakenToHaveOurs) {
  setup.by_hash = false;
  Start();
  const Bytes whole = Tick();
  const Bytes finish = Take(Ask(whole));
  Take(Ask(finish));
  ASSERT_TRUE(step.has_keys);
  joiner->Missing(KeyNumber(3), now, rng);
  now += std::chrono::milliseconds(others.window_ms_);
  joiner->Missing(KeyNumber(3), now, rng);
  ASSERT_NE(joiner->deadline(), kNever);
  now = joiner->deadline();
  EXPECT_LT(Tick().size(), whole.size());
}

struct Reloading : ByHash {
  Reloading() {
    setup.by_hash = false;
    Start();
  }
};

TEST_F(Reloading, AJoinUnderWayBeginsAnew) {
  const Bytes first = Tick();
  joiner->UseCredentials(MemberOf(99), now);
  EXPECT_LE(joiner->deadline(), now);
  EXPECT_TRUE(Take(Ask(first)).empty()) << "what it began is over";
  const Bytes finish = Take(Ask(Tick()));
  ASSERT_FALSE(finish.empty());
  Take(Ask(finish));
  EXPECT_TRUE(step.has_keys);
}

TEST_F(Reloading, WhoIsNotBelievedAnyMoreBringsNoKeys) {
  const Bytes answer = Ask(Tick());
  auto strangers = MemberOf();
  strangers->trust = {};
  joiner->UseCredentials(strangers, now);
  EXPECT_TRUE(Take(answer).empty());
  EXPECT_TRUE(Take(Ask(Tick())).empty());
  EXPECT_FALSE(joiner->is_joined());
}

TEST_F(Reloading, ATicketOfWhomWasBelievedGoesWithTheTrust) {
  mikey::v2::Resumption held;
  held.ticket = mikey::v2::TicketOctets(Bytes(32, 1));
  keeper.ticket = held;
  Start();
  joiner->UseCredentials(MemberOf(), now);
  EXPECT_TRUE(keeper.ticket.has_value()) << "it is the same";
  auto strangers = MemberOf();
  strangers->trust = {};
  joiner->UseCredentials(strangers, now);
  EXPECT_FALSE(keeper.ticket.has_value());
}

struct Losing : testing::Test {
  // SecondsToJoin is how long a join takes where a fifth of all datagrams is lost.
  static Duration ToJoin(uint64_t seed, std::string_view modes) {
    JoinWorld world(modes);
    world.rng = crypto::SeededRng(seed);
    crypto::SeededRng losses(seed + 1000);
    const auto passes = [&losses](const Bytes& datagram) {
      std::array<uint8_t, 1> drawn{};
      losses.Fill(drawn);
      return drawn[0] >= 51 ? datagram : Bytes();
    };
    while (!world.joiner->is_joined()) {
      world.now = std::max(world.now, world.joiner->deadline());
      Bytes next = world.Tick();
      while (!next.empty()) {
        const Bytes asked = passes(next);
        if (asked.empty()) break;
        next = world.Take(passes(world.Ask(asked)));
      }
    }
    return world.now - mikey::v2::kStart;
  }
};

TEST_F(Losing, AFifthAJoinComesWithinAMinute) {
  for (const std::string_view modes : {"psk", "dhhmac"}) {
    for (uint64_t seed = 1; seed <= 300; ++seed) {
      EXPECT_LT(ToJoin(seed, modes), seconds(60)) << modes << " " << seed;
    }
  }
}

}  // namespace
}  // namespace keymast::receiver
