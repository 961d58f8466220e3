// SPDX-License-Identifier: Apache-2.0
// Two parties of MIKEYv2 that open a session to each other at once (§2).
#include "mikey/v2/both.h"

#include "tests/unit/mikey/v2_public_key.h"

namespace keymast::mikey::v2 {
namespace {

// Called is the directory of a party with one friend.
class Called : public TestDirectory {
 public:
  explicit Called(const Identity& self) : self_(self) {}
  bool IsOwn(const Identity& identity) const override { return identity == self_; }
  bool Serves(const Asked& asked) const override { return asked.answerer == self_; }
  const crypto::SecretKey<kMaxSharedKey>* SharedWith(const Asked&) const override { return &psk_; }

 private:
  Identity self_;
  crypto::SecretKey<kMaxSharedKey> psk_{kPskOctets};
};

// Caller is a party in both roles.
struct Caller {
  Caller(const Identity& self, const Policy& policy, crypto::Rng& rng)
      : others(self),
        offerer(crypto::DefaultSuite(), policy),
        answerer(crypto::DefaultSuite(), policy, others, 4, rng) {}

  Called others;
  Offerer offerer;
  Answerer answerer;
};

class BothAtOnce : public testing::Test {
 protected:
  BothAtOnce() {
    policy_.modes.clear();
    policy_.modes.Add(static_cast<uint8_t>(Mode::kDhhmac));
  }
  Bytes Open(Caller& caller, const Identity& self, const Identity& peer, ByteView session = {}) {
    static constexpr StreamOffer kStreams[] = {{true, true, 0}};
    Bytes out(kMaxOneDatagram);
    out.resize(
        *caller.offerer.Open({self, peer, kPskOctets, {}, kStreams, session}, kStart, rng_, out));
    return out;
  }
  Bytes Answer(Caller& caller, const Bytes& datagram) {
    Bytes out(kMaxOneDatagram);
    outcome_ = caller.answerer.Receive(datagram, AsBytes("a"), kStart, rng_, out);
    out.resize(outcome_.reply);
    if (outcome_.event != Answerer::Event::kVerified) return out;
    gave_way_ = OnVerified(*outcome_.entry, caller.offerer, caller.answerer);
    if (gave_way_ == GaveWay::kTheirs) out.clear();
    return out;
  }
  Bytes Take(Caller& caller, const Bytes& datagram) {
    Bytes out(kMaxOneDatagram);
    const auto state = caller.offerer.state();
    const auto outcome = caller.offerer.Receive(datagram, kStart, rng_, out);
    out.resize(outcome.send);
    const bool is_taken =
        state == Offerer::State::kOffered && caller.offerer.state() == Offerer::State::kAnswered;
    if (is_taken) OnAnswered(caller.offerer, caller.answerer);
    return out;
  }

  crypto::SeededRng rng_{5};
  Policy policy_ = Policy::Default();
  Caller alice_{kMemberId, policy_, rng_};
  Caller bob_{kPeerId, policy_, rng_};
  Answerer::Outcome outcome_;
  GaveWay gave_way_ = GaveWay::kNone;
};

TEST_F(BothAtOnce, OneExchangeRemains) {
  const Bytes first = Open(alice_, kMemberId, kPeerId);
  const Bytes second = Open(bob_, kPeerId, kMemberId);
  const Bytes to_alice = Answer(bob_, first);
  const Bytes to_bob = Answer(alice_, second);
  // Nothing ends before something has verified.
  EXPECT_EQ(alice_.offerer.state(), Offerer::State::kOffered);
  EXPECT_EQ(bob_.offerer.state(), Offerer::State::kOffered);
  const bool bob_gives_way = GivesWay(bob_.offerer.exchange(), alice_.offerer.exchange());
  EXPECT_NE(bob_gives_way, GivesWay(alice_.offerer.exchange(), bob_.offerer.exchange()));
  const Bytes finish_of_alice = Take(alice_, to_alice);
  const Bytes finish_of_bob = Take(bob_, to_bob);
  Answer(bob_, finish_of_alice);
  Answer(alice_, finish_of_bob);
  EXPECT_EQ(alice_.offerer.state() == Offerer::State::kFailed, !bob_gives_way);
  EXPECT_EQ(bob_.offerer.state() == Offerer::State::kFailed, bob_gives_way);
  const Offerer& ended = bob_gives_way ? bob_.offerer : alice_.offerer;
  EXPECT_TRUE(ended.exchange().tgk.empty());
  // Who answered the one that gives way knows it no more.
  EXPECT_EQ(ReasonOf(outcome_.status), bob_gives_way ? Error::kWrongCsb : Error::kInternal);
}

// Each side ends the one that gives way, also where it verifies behind the answer of the other.
TEST_F(BothAtOnce, OneExchangeRemainsWhereACapIsLate) {
  for (int i = 0; i < 8; ++i) {
    Caller alice(kMemberId, policy_, rng_);
    Caller bob(kPeerId, policy_, rng_);
    const Bytes first = Open(alice, kMemberId, kPeerId);
    const Bytes second = Open(bob, kPeerId, kMemberId);  // is lost, and sent again
    if (!GivesWay(bob.offerer.exchange(), alice.offerer.exchange())) continue;
    const Bytes finish_of_alice = Take(alice, Answer(bob, first));  // is lost, and sent again
    const Bytes finish_of_bob = Take(bob, Answer(alice, second));
    EXPECT_TRUE(Answer(alice, finish_of_bob).empty());
    EXPECT_EQ(gave_way_, GaveWay::kTheirs);
    EXPECT_EQ(alice.answerer.exchanges(), 0u);
    Take(alice, Answer(bob, finish_of_alice));
    EXPECT_EQ(gave_way_, GaveWay::kOurs);
    EXPECT_EQ(alice.offerer.state(), Offerer::State::kDone);
    EXPECT_EQ(bob.offerer.state(), Offerer::State::kFailed);
    EXPECT_EQ(bob.answerer.exchanges(), 1u);
  }
}

// An exchange that was answered before ours began, and verified behind it, was open beside it.
TEST_F(BothAtOnce, WhatVerifiedSinceWeOpenedGivesWay) {
  Entry entry;
  entry.made = kStart - std::chrono::seconds(1);
  entry.finished = kStart;
  entry.verified = true;
  EXPECT_TRUE(WasOpenSince(entry, kStart));
  entry.finished = entry.made;
  EXPECT_FALSE(WasOpenSince(entry, kStart));
  entry.verified = false;
  EXPECT_TRUE(WasOpenSince(entry, kStart));
}

TEST_F(BothAtOnce, OtherSessionsGoOn) {
  Open(alice_, kMemberId, kPeerId, AsBytes("session number 1"));
  Open(bob_, kPeerId, kMemberId, AsBytes("session number 2"));
  EXPECT_FALSE(GivesWay(alice_.offerer.exchange(), bob_.offerer.exchange()));
  EXPECT_FALSE(GivesWay(bob_.offerer.exchange(), alice_.offerer.exchange()));
}

TEST_F(BothAtOnce, AForgedCapEndsNothing) {
  Open(alice_, kMemberId, kPeerId);
  Caller eve(kPeerId, policy_, rng_);
  for (int i = 0; i < 8; ++i) {
    Answer(alice_, Open(eve, kPeerId, kMemberId));
    EXPECT_EQ(alice_.offerer.state(), Offerer::State::kOffered);
    eve.offerer.Abandon();
  }
}

}  // namespace
}  // namespace keymast::mikey::v2
