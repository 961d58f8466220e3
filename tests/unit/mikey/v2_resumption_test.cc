// SPDX-License-Identifier: Apache-2.0
// Tickets of MIKEYv2 (§11), and V switched off (§1, §7).
#include "tests/unit/mikey/v2_public_key.h"
#include "tests/unit/mikey/v2_tickets.h"

namespace keymast::mikey::v2 {
namespace {

const crypto::Suite& kSuite = crypto::DefaultSuite();

// Turned is the directory of the member, whom the peer calls.
class Turned : public TestDirectory {
 public:
  bool IsOwn(const Identity& identity) const override { return identity == kMemberId; }
  bool Serves(const Asked& asked) const override { return asked.answerer == kMemberId; }
  const crypto::SecretKey<kMaxSharedKey>* SharedWith(const Asked&) const override {
    return nullptr;
  }
};

Policy PolicyOf(std::initializer_list<Mode> modes) {
  Policy policy = Policy::Default();
  policy.modes.clear();
  for (const Mode mode : modes) policy.modes.Add(static_cast<uint8_t>(mode));
  policy.features = kTicketFeature;
  return policy;
}

class Resumed : public testing::TestWithParam<Mode> {
 protected:
  Resumed() { Use({Mode::kPsk}); }
  void Use(std::initializer_list<Mode> modes) { world.policy_ = PolicyOf(modes); }

  // First runs an exchange that leaves a ticket.
  Resumption First(const Wish& wish) {
    world.Run(wish);
    EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
    EXPECT_TRUE(world.offerer_.resumption());
    return world.offerer_.resumption().value_or(Resumption());
  }
  Wish With(const Resumption& resumption, Wish wish) const {
    wish.psk = {};
    wish.resume = &resumption;
    return wish;
  }
  void IsMetWithSilence(const Wish& wish) {
    EXPECT_TRUE(world.ToAnswerer(world.Open(wish)).empty());
    EXPECT_EQ(ReasonOf(world.answered_.status), Error::kAuthenticationFailed);
    world.GiveUp();
  }

  World world;
  PeerTickets peers{kSuite, 8};
  SealedTickets sealed;
};
INSTANTIATE_TEST_SUITE_P(Modes, Resumed,
                         testing::Values(Mode::kPsk, Mode::kDhhmac, Mode::kEarlyDhhmac));

TEST_P(Resumed, ASessionByItsId) {
  world.answerer_.use_tickets(&peers);
  const Resumption first = First(world.Session());
  Use({GetParam()});
  const Bytes cap = world.Open(With(first, world.Session()));
  EXPECT_EQ(std::search(cap.begin(), cap.end(), first.ticket.begin(), first.ticket.end()),
            cap.end());
  world.ToOfferer(world.ToAnswerer(world.ToOfferer(world.ToAnswerer(cap))));
  HaveOneSession(world);
  // Each gives a new one; none opens two exchanges.
  const Resumption second = world.offerer_.resumption().value();
  EXPECT_NE(second.id, first.id);
  EXPECT_EQ(second.is_dh, GetParam() != Mode::kPsk);
  IsMetWithSilence(With(first, world.Session()));
  world.Run(With(second, world.Session()));
  HaveOneSession(world);
}

TEST_P(Resumed, AJoinByItsTicket) {
  world.answerer_.use_tickets(&sealed);
  const Resumption first = First(world.Join());
  EXPECT_TRUE(first.is_sealed);
  Use({GetParam()});
  const Bytes cap = world.Open(With(first, world.Join()));
  const Bytes answer = world.ToAnswerer(cap);
  ASSERT_TRUE(world.answered_.status);
  EXPECT_EQ(sealed.spent_.size(), 1u);
  EXPECT_EQ(world.ToAnswerer(cap), answer);  // this TH from the cache
  world.ToOfferer(world.ToAnswerer(world.ToOfferer(answer)));
  EXPECT_TRUE(world.offerer_.has_keys());
  EXPECT_EQ(world.offerer_.contents().keys[0].type, KeyDataType::kTgk);
  world.now_ += ExchangeCache::kIdle + std::chrono::milliseconds(1);
  EXPECT_TRUE(world.ToAnswerer(cap).empty());
  IsMetWithSilence(With(first, world.Join()));
}

TEST_P(Resumed, TheOriginalAnswererOpens) {
  world.answerer_.use_tickets(&peers);
  const Resumption first = First(world.Session());
  PeerTickets members(kSuite, 8);
  members.Keep(first);
  Turned others;
  const Policy policy = PolicyOf({GetParam()});
  Answerer member(kSuite, policy, others, 4, world.rng_);
  member.use_tickets(&members);
  Offerer peer(kSuite, policy);
  const auto held = peers.Take(kPeerId, kMemberId, world.now_);
  ASSERT_TRUE(held);
  EXPECT_FALSE(peers.Take(kPeerId, kMemberId, world.now_));
  Wish wish = With(*held, world.Session());
  wish.self = kPeerId;
  wish.peer = kMemberId;
  Bytes sent(kMaxOneDatagram);
  Bytes back(kMaxOneDatagram);
  size_t size = *peer.Open(wish, world.now_, world.rng_, sent);
  while (size > 0) {
    const auto answered =
        member.Receive(ByteView(sent).first(size), AsBytes("a"), world.now_, world.rng_, back);
    size = peer.Receive(ByteView(back).first(answered.reply), world.now_, world.rng_, sent).send;
  }
  EXPECT_EQ(peer.state(), Offerer::State::kDone);
  EXPECT_EQ(others.grants_, 1);
}

// MIKEYv2 §11: to show a ticket writes nothing, so that of two CAPs under it one remains.
TEST_F(Resumed, BothMayShowATicketAtOnce) {
  world.answerer_.use_tickets(&peers);
  const Resumption first = First(world.Session());
  const auto held = peers.Take(kPeerId, kMemberId, world.now_);  // the other one opens too
  ASSERT_TRUE(held);
  EXPECT_FALSE(peers.Take(kPeerId, kMemberId, world.now_));  // once
  world.Run(With(first, world.Session()));
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
  peers.Keep(first);
  peers.Wipe(first.id);
  EXPECT_FALSE(peers.Find({}, first.id, world.now_));
}

TEST_F(Resumed, WhatDoesNotServeIsMetWithSilence) {
  world.answerer_.use_tickets(&sealed);
  const Resumption first = First(world.Join());
  Resumption changed = first;
  changed.ticket[20] ^= 1;
  IsMetWithSilence(With(changed, world.Join()));
  changed = first;
  changed.secret = crypto::Key32(Bytes(32, 9));
  IsMetWithSilence(With(changed, world.Join()));
  IsMetWithSilence(With(first, world.Session()));  // another identity than its own
  sealed.generation_ = 4;
  IsMetWithSilence(With(first, world.Join()));
  sealed.generation_ = 3;
  world.now_ += kTicketLife;
  IsMetWithSilence(With(first, world.Join()));
  world.now_ -= kTicketLife;
  world.answerer_.use_tickets(nullptr);
  IsMetWithSilence(With(first, world.Join()));
  world.answerer_.use_tickets(&sealed);
  EXPECT_TRUE(sealed.spent_.empty());
  world.Run(With(first, world.Join()));
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
}

// A sealing key must not open what Diffie-Hellman had kept from it.
TEST_F(Resumed, OfADhKindAndSealedNeverInModePsk) {
  world.answerer_.use_tickets(&sealed);
  Use({Mode::kEarlyDhhmac});
  const Resumption first = First(world.Join());
  EXPECT_TRUE(first.is_dh);
  Use({Mode::kPsk});
  Bytes out(kMaxOneDatagram);
  EXPECT_EQ(world.offerer_.Open(With(first, world.Join()), world.now_, world.rng_, out),
            Err(Error::kInvalidArgument));
  Resumption lying = first;
  lying.is_dh = false;
  world.ToAnswerer(world.Open(With(lying, world.Join())));
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kUnsupportedPolicy);
  EXPECT_TRUE(sealed.spent_.empty());
}

TEST_F(Resumed, AMemberWithoutTheFeatureGetsNoTicket) {
  world.answerer_.use_tickets(&sealed);
  world.policy_.features = 0;
  world.Run(world.Join());
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
  EXPECT_FALSE(world.offerer_.resumption());
}

TEST_F(Resumed, SealingKeysRotate) {
  world.answerer_.use_tickets(&sealed);
  const Resumption first = First(world.Join());
  sealed.sealer_.AddKey(2, crypto::SecretKey<32>(Bytes(32, 2)));
  EXPECT_TRUE(sealed.Find(first.ticket, {}, world.now_));
  EXPECT_EQ(First(world.Join()).ticket[0], 2);
  sealed.sealer_.DropKey(1);
  EXPECT_FALSE(sealed.Find(first.ticket, {}, world.now_));
  EXPECT_EQ(sealed.sealer_.Open(kSuite, {}).error(), Error::kTruncated);
  EXPECT_EQ(TicketSealer().Seal(first, 0, world.rng_).error(), Error::kFailedPrecondition);
}

TEST(PeerTicketsOfVersion2, TheFirstToEndGivesWay) {
  PeerTickets tickets(kSuite, 2);
  for (uint8_t i = 3; i > 0; --i) {
    Resumption resumption;
    resumption.ticket = Bytes(32, i);
    resumption.id = TicketIdOf(kSuite, resumption.ticket);
    resumption.expiry = kStart + std::chrono::seconds(i);
    tickets.Keep(resumption);
  }
  EXPECT_FALSE(tickets.Find(Bytes(32, 2), {}, kStart));
  EXPECT_TRUE(tickets.Find(Bytes(32, 3), {}, kStart));
  EXPECT_TRUE(tickets.Find({}, TicketIdOf(kSuite, Bytes(32, 1)), kStart));
  EXPECT_FALSE(tickets.Find({}, {}, kStart));
  EXPECT_FALSE(tickets.Find(Bytes(32, 1), {}, kStart + std::chrono::seconds(1)));
}

TEST(PeerTicketsOfVersion2, OneOfTheCertificateIsTaken) {
  PeerTickets tickets(kSuite, 4);
  const Identity ours{IdType::kNai, AsBytes("ours@example.org")};
  const Identity theirs{IdType::kNai, AsBytes("theirs@example.org")};
  for (uint8_t i = 1; i <= 3; ++i) {
    Resumption resumption;
    resumption.ticket = Bytes(32, i);
    resumption.id = TicketIdOf(kSuite, resumption.ticket);
    resumption.expiry = kStart + std::chrono::hours(1);
    resumption.offerer = OwnedIdentity(ours);
    resumption.answerer = OwnedIdentity(theirs);
    resumption.standing = {true, kNever, Digest{i}};
    tickets.Keep(resumption);
  }
  EXPECT_FALSE(tickets.Take(ours, theirs, kStart, Digest{4}));
  const auto taken = tickets.Take(ours, theirs, kStart, Digest{2});
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->standing.of, Digest{2});
  EXPECT_FALSE(tickets.Take(ours, theirs, kStart, Digest{2})) << "it is shown";
  EXPECT_TRUE(tickets.Take(ours, theirs, kStart));
}

// MIKEYv2 §12: where SDP tells a fingerprint, a ticket counts that its certificate gave, no other
// one and no pre-shared key.
TEST(ResumedUnderAFingerprint, ATicketIsOfThatCertificate) {
  Certified certified(Mode::kDh, crypto::KeyKind::kEd25519);
  World& world = certified.world;
  PeerTickets peers(kSuite, 8);
  world.answerer_.use_tickets(&peers);
  certified.Run(certified.Session());
  const auto& members = certified.pair.member.own[0].chain[0];
  const auto& peers_own = certified.pair.peer.own[0].chain[0];
  const Resumption by_certificate = world.offerer_.resumption().value();
  EXPECT_TRUE(IsBy(by_certificate.standing, crypto::Sha256(peers_own)));
  world.policy_ = PolicyOf({Mode::kPsk});
  world.Run(world.Session());
  const Resumption by_key = world.offerer_.resumption().value();
  // At the Offerer.
  Wish wish = world.Session();
  wish.psk = {};
  wish.resume = &by_key;
  const auto fingerprint = crypto::Sha256(peers_own);
  wish.fingerprint = fingerprint;
  Bytes out(kMaxOneDatagram);
  EXPECT_EQ(world.offerer_.Open(wish, world.now_, world.rng_, out), Err(Error::kInvalidArgument));
  // At the Answerer.
  world.others_.fingerprint_ = crypto::Sha256(members);
  wish.fingerprint = {};
  world.ToAnswerer(world.Open(wish));
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kUnsupportedPolicy);
  world.offerer_.Abandon();
  world.others_.fingerprint_ = crypto::Sha256(peers_own);
  wish.resume = &by_certificate;
  world.ToAnswerer(world.Open(wish));
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kUnsupportedPolicy);
  world.offerer_.Abandon();
  world.others_.fingerprint_ = crypto::Sha256(members);
  wish.fingerprint = fingerprint;
  world.Run(wish);
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
  EXPECT_TRUE(IsBy(world.offerer_.resumption()->standing, fingerprint));
}

TEST(ResumedUnderAFingerprint, OneThatIsToldBehindCapCountsToo) {
  World world;
  const Bytes answer = world.ToAnswerer(world.Open(world.Session()));
  world.offerer_.Expect(crypto::Fingerprint{});
  EXPECT_TRUE(world.ToOfferer(answer).empty());
  EXPECT_EQ(ReasonOf(world.offered_.status), Error::kCertificateUntrusted);
}

// V switched off on both sides: a group's keys wait for the finish, and strangers get a decoy.
class WithoutV : public testing::TestWithParam<Mode> {
 protected:
  WithoutV() : world(1, GetParam()) { world.policy_.uses_v = false; }
  World world;
};
INSTANTIATE_TEST_SUITE_P(Modes, WithoutV,
                         testing::Values(Mode::kPsk, Mode::kDhhmac, Mode::kEarlyDhhmac));

TEST_P(WithoutV, AJoinHasItsKeysAfterTheFinish) {
  const Bytes finish = world.ToOfferer(world.ToAnswerer(world.Open(world.Join())));
  ASSERT_FALSE(finish.empty());
  EXPECT_EQ(world.others_.grants_, 0);
  EXPECT_FALSE(world.offerer_.has_keys());
  world.ToOfferer(world.ToAnswerer(finish));
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
  EXPECT_TRUE(world.offerer_.has_keys());
}

TEST_P(WithoutV, ASessionIsAsEver) {
  world.Run(world.Session());
  HaveOneSession(world);
}

TEST_P(WithoutV, AStrangerGetsADecoyOfTheSameSize) {
  const size_t size = world.ToAnswerer(world.Open(world.Join())).size();
  world.GiveUp();
  Wish stranger = world.Join();
  stranger.self = {IdType::kNai, AsBytes("membre@example.org")};
  const Bytes cap = world.Open(stranger);
  const Bytes decoy = world.ToAnswerer(cap);
  EXPECT_EQ(decoy.size(), size);
  EXPECT_TRUE(world.ToOfferer(decoy).empty());
  EXPECT_EQ(world.others_.grants_, 0);
}

TEST_P(WithoutV, WhoIsNotConfiguredSoWantsIt) {
  const Bytes cap = world.Open(world.Session());
  world.policy_.uses_v = true;
  EXPECT_TRUE(world.ToAnswerer(cap).empty());
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kAuthenticationFailed);
}

}  // namespace
}  // namespace keymast::mikey::v2
