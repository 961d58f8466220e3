// SPDX-License-Identifier: Apache-2.0
// RSA-R (RFC 4738) to one peer and to a group, and what is particular to mode PK.
#include <functional>
#include <set>

#include "mikey/proofs.h"
#include "tests/unit/mikey/v1_world.h"

namespace keymast::mikey {
namespace {

class Rsar : public testing::Test {
 protected:
  Rsar() {
    grant_.keys = {&world_.key, 1};
    grant_.policies = {&world_.policy, 1};
  }
  Bytes Ask(const Offer& offer, const Identity& peer = kBob) {
    world_.bob.others.grant_ = grant_;
    Bytes out(kMaxMessage);
    const auto size = world_.initiator.Start(Mode::kRsar, peer, offer, kNow, world_.rng, out);
    EXPECT_TRUE(size);
    out.resize(size.value_or(0));
    return world_.ToBob(out);
  }
  Offer Listener() const {  // RFC 4738 §3.4: no streams, no policies
    Offer offer;
    offer.csb_id = CsbId(0x11111111);
    return offer;
  }
  void MakeGroup() {
    grant_.group = true;
    grant_.csb_id = CsbId(0x47524f55);
    grant_.rand = kRand;
    grant_.sessions = world_.sessions;
  }

  World world_;
  Grant grant_;
};

TEST_F(Rsar, TheResponderMakesRandWhenTheInitiatorDoesNot) {
  Offer offer = world_.OfferOf(Mode::kRsar);
  offer.send_rand = false;
  const Bytes answer = Ask(offer);
  Message message;
  ASSERT_TRUE(ParseMessage(answer, message));
  EXPECT_NE(message.Get<RandPayload>(), nullptr);
  ASSERT_TRUE(world_.initiator.Receive(answer, kNow));
  EXPECT_EQ(TekOf(world_.initiator.session()), TekOf(world_.BobsSession()));
}

TEST_F(Rsar, ExactlyOneSideSendsRand) {
  const Bytes answer = Ask(world_.OfferOf(Mode::kRsar));
  const Bytes two = Remade(answer, [](Header&, auto& payloads) {
    payloads.insert(payloads.begin(), RandPayload{kRand});
  });
  EXPECT_EQ(world_.initiator.Receive(two, kNow).error(), Error::kPayloadUnexpected);
  EXPECT_EQ(world_.initiator.state(), Initiator::State::kWaiting);
}

TEST_F(Rsar, MembersOfAGroupEndWithOneKey) {
  MakeGroup();
  std::set<std::string> teks;
  for (uint32_t member = 0; member < 3; ++member) {
    Offer offer = Listener();
    offer.csb_id = CsbId(0x11111111 + member);
    offer.send_rand = member != 1;  // a member's RAND counts for nothing (RFC 4738 §3.4)
    const Bytes answer = Ask(offer);
    ASSERT_TRUE(world_.status) << ErrorName(world_.status.error());
    Message message;
    ASSERT_TRUE(ParseMessage(answer, message));
    EXPECT_EQ(message.header.csb_id, offer.csb_id.value) << "the header repeats the request's";
    ASSERT_TRUE(world_.initiator.Receive(answer, kNow));
    const Session& session = world_.initiator.session();
    EXPECT_EQ(session.csb.csb_id, grant_.csb_id);
    EXPECT_EQ(ToHex(session.csb.rand.view()), ToHex(kRand));
    EXPECT_EQ(session.csb.sessions.size(), 2u);
    EXPECT_EQ(session.csb.policies.size(), 1u);
    teks.insert(TekOf(session));
    world_.bob.others.sessions_.clear();
  }
  EXPECT_EQ(teks.size(), 1u);
}

TEST_F(Rsar, AMemberOfAGroupProposesNoPolicy) {
  MakeGroup();
  Ask(world_.OfferOf(Mode::kRsar));
  EXPECT_EQ(world_.status.error(), Error::kPayloadUnexpected);
}

TEST_F(Rsar, ToOnePeerOnlyAPolicyThatItProposed) {
  CsbPolicy other;
  other.params = Octets<255>(Hex("000106"));
  grant_.policies = {&other, 1};
  Ask(world_.OfferOf(Mode::kRsar));
  EXPECT_EQ(world_.status.error(), Error::kUnsupportedPolicy);
  EXPECT_TRUE(world_.bob.others.sessions_.empty());
}

TEST_F(Rsar, OneOfTheProposalsIsEnough) {  // RFC 4738 §3.4, §3.5
  std::array<CsbPolicy, 3> proposals{};
  proposals[0].prot_type = ProtType::kTesla;  // not taken
  proposals[1].number = 1;
  proposals[1].params = world_.policy.params;
  proposals[2].number = 2;
  Offer offer = world_.OfferOf(Mode::kRsar);
  offer.policies = proposals;
  grant_.policies = {};
  ASSERT_TRUE(world_.initiator.Receive(Ask(offer), kNow));
  ASSERT_EQ(world_.initiator.session().csb.policies.size(), 1u);
  EXPECT_EQ(world_.initiator.session().csb.policies[0].params, world_.policy.params);
  EXPECT_EQ(world_.BobsSession().csb.policies.size(), 1u);
}

TEST_F(Rsar, WithoutRandTheAskerMustBeNamedToo) {
  world_.alice.self.identity = {};
  Offer offer = world_.OfferOf(Mode::kRsar);
  offer.send_rand = false;
  Ask(offer);
  EXPECT_EQ(world_.status.error(), Error::kPayloadMissing);
}

TEST_F(Rsar, AGrantThatNoMessageCanCarryIsRefused) {
  const std::vector<CsbPolicy> policies(kMaxPolicies + 1, world_.policy);
  const std::vector<CsbSession> sessions(kMaxSessions + 1);
  const std::vector<KeyDataPayload> keys(kMaxKeys + 1, world_.key);
  const Bytes rand(256);
  const Grant good = grant_;
  const std::function<void()> changes[] = {[&] { grant_.policies = policies; },
                                           [&] { grant_.sessions = sessions; },
                                           [&] { grant_.keys = keys; },
                                           [&] { grant_.keys = {}; },
                                           [&] {
                                             MakeGroup();
                                             grant_.rand = rand;
                                           },
                                           [&] {
                                             MakeGroup();
                                             grant_.rand = ByteView(rand).first(15);
                                           },
                                           [&] {
                                             MakeGroup();
                                             grant_.policies = {};
                                           }};
  for (const auto& change : changes) {
    grant_ = good;
    change();
    Ask(Listener());
    EXPECT_EQ(world_.status.error(), Error::kInvalidArgument);
  }
}

TEST_F(Rsar, ARefusalIsToldUnderTheRequestsId) {
  MakeGroup();
  const Bytes salt(40);
  world_.key.type = KeyDataType::kTgkSalt;
  world_.key.salt = salt;
  const Bytes answer = Ask(Listener());
  EXPECT_EQ(world_.status.error(), Error::kInvalidArgument);
  ASSERT_TRUE(world_.initiator.Receive(answer, kNow));
  EXPECT_TRUE(world_.initiator.peer_error()->proven);
}

TEST_F(Rsar, WhoAnswersMayBeUnknownBefore) {  // RFC 4738 §2.1: a call that was forwarded
  const Bytes answer = Ask(world_.OfferOf(Mode::kRsar), {});
  ASSERT_TRUE(world_.status) << ErrorName(world_.status.error());
  ASSERT_TRUE(world_.initiator.Receive(answer, kNow));
  EXPECT_EQ(world_.initiator.session().peer.view(), kBob);
}

TEST_F(Rsar, WhoIsEntitledToNothingIsToldSoUnderASignature) {
  world_.bob.others.grant_.reset();
  const Bytes answer = world_.ToBob(world_.Start(Mode::kRsar));
  EXPECT_EQ(world_.status.error(), Error::kNotEntitled);
  ASSERT_TRUE(world_.initiator.Receive(answer, kNow));
  EXPECT_TRUE(world_.initiator.peer_error()->proven);
  EXPECT_EQ(world_.initiator.state(), Initiator::State::kIdle);
}

TEST(Pk, ChashNamesOurCertificateOrTheMessageIsRefused) {
  World world;
  Offer offer = world.OfferOf(Mode::kPk);
  offer.chash = world.bob.self.envelope_certificate;
  world.ToBob(world.Start(Mode::kPk, offer));
  EXPECT_TRUE(world.status);
  world.bob.others.sessions_.clear();
  offer.chash->front() ^= 1;
  world.ToBob(world.Start(Mode::kPk, offer));
  EXPECT_EQ(world.status.error(), Error::kCertificateUntrusted);
}

TEST(Pk, AHashOfSha1sAgeIsTakenByConfiguration) {  // RFC 3830 §6.8
  const Bytes hash(20, 7);
  const auto asked = [&hash](World& world) {
    const Bytes first = world.Start(Mode::kPk);
    Message parsed;
    EXPECT_TRUE(ParseMessage(first, parsed));
    Bytes out(kMaxMessage);
    ChainWriter chain(out, parsed.header);
    for (const Payload& payload : parsed.chain()) {
      if (std::holds_alternative<SignPayload>(payload)) continue;
      if (std::holds_alternative<PkePayload>(payload)) {
        chain.Add(ChashPayload{HashFunc::kSha1, hash});
      }
      std::visit([&chain](const auto& p) { chain.Add(p); }, payload);
    }
    out.resize(CloseWithSignature(world.alice.party, chain).value_or(0));
    world.ToBob(out);
    return world.status;
  };
  World world;
  world.bob.self.envelope_certificate_sha1.emplace().fill(7);
  EXPECT_EQ(asked(world).error(), Error::kUnsupportedAlgorithm);
  World legacy;
  legacy.bob.policy.take_sha1 = true;
  EXPECT_EQ(asked(legacy).error(), Error::kCertificateUntrusted);
  World known;
  known.bob.policy.take_sha1 = true;
  known.bob.self.envelope_certificate_sha1.emplace().fill(7);
  EXPECT_TRUE(asked(known));
}

// SignedAgain is what a signer who means ill can do: a message after a change, which is false for a
// payload that goes.
Bytes SignedAgain(const Party& party, const Bytes& message,
                  const std::function<bool(Payload&)>& change, const Appended& appended = {}) {
  Message parsed;
  EXPECT_TRUE(ParseMessage(message, parsed));
  Bytes out(kMaxMessage);
  ChainWriter chain(out, parsed.header);
  for (const Payload& payload : parsed.chain()) {
    Payload changed = payload;
    if (std::holds_alternative<SignPayload>(changed) || !change(changed)) continue;
    std::visit([&chain](const auto& p) { chain.Add(p); }, changed);
  }
  out.resize(CloseWithSignature(party, chain, appended).value_or(0));
  return out;
}

Bytes Resigned(World& world, const Bytes& message, const std::function<void(Payload&)>& change) {
  return SignedAgain(world.alice.party, message, [&](Payload& payload) {
    change(payload);
    return true;
  });
}

// RFC 4738 §3.7: whoever answers gives a policy that was proposed.
TEST_F(Rsar, AnAnswerWithAnotherPolicyOrNoneIsDiscarded) {
  const Bytes answer = Ask(world_.OfferOf(Mode::kRsar));
  Message parsed;
  ASSERT_TRUE(ParseMessage(answer, parsed));
  const Appended appended{kAlice.data, kBob.data, parsed.Get<TPayload>()->value};
  const Bytes params = Hex("000106");
  const auto replaced = [&](Payload& payload) {
    if (auto* sp = std::get_if<SpPayload>(&payload)) sp->params = params;
    return true;
  };
  const auto removed = [](Payload& payload) { return !std::holds_alternative<SpPayload>(payload); };
  const auto kept = [](Payload&) { return true; };
  const auto taken = [&](const std::function<bool(Payload&)>& change) {
    const Bytes bad = SignedAgain(world_.bob.party, answer, change, appended);
    return world_.initiator.Receive(bad, kNow);
  };
  EXPECT_EQ(taken(replaced).error(), Error::kUnsupportedPolicy);
  EXPECT_EQ(taken(removed).error(), Error::kPayloadMissing);
  EXPECT_TRUE(taken(kept)) << "it is the policy that was refused";
}

TEST(Pk, EveryBadEnvelopeLooksAlike) {
  World world;
  const Bytes first = world.Start(Mode::kPk);
  std::set<std::string> answers;
  for (const size_t octet : {size_t{0}, size_t{1}, size_t{100}, size_t{255}}) {
    Bytes wrapped;
    const Bytes bad = Resigned(world, first, [&](Payload& payload) {
      if (auto* pke = std::get_if<PkePayload>(&payload)) {
        wrapped.assign(pke->data.begin(), pke->data.end());
        wrapped[octet] ^= 1;
        pke->data = wrapped;
      }
    });
    answers.insert(ToHex(world.ToBob(bad)));
    EXPECT_EQ(world.status.error(), Error::kAuthenticationFailed);
  }
  for (const size_t size : {size_t{0}, size_t{16}, size_t{255}, size_t{300}}) {
    const Bytes wrapped(size, 1);
    const Bytes bad = Resigned(world, first, [&](Payload& payload) {
      if (auto* pke = std::get_if<PkePayload>(&payload)) pke->data = wrapped;
    });
    answers.insert(ToHex(world.ToBob(bad)));
    EXPECT_EQ(world.status.error(), Error::kAuthenticationFailed);
  }
  EXPECT_EQ(answers.size(), 1u) << "nobody learns what was wrong";
}

TEST(Pk, ABadEnvelopeIsTriedOnce) {
  World world;
  const Bytes wrapped(256, 1);
  const Bytes bad = Resigned(world, world.Start(Mode::kPk), [&](Payload& payload) {
    if (auto* pke = std::get_if<PkePayload>(&payload)) pke->data = wrapped;
  });
  world.ToBob(bad);
  EXPECT_EQ(world.status.error(), Error::kAuthenticationFailed);
  world.ToBob(bad);
  EXPECT_EQ(world.status.error(), Error::kReplayed);
}

TEST(Pk, AMessageUnderAnothersNameIsRefused) {
  // Bob's own name inside: Alice signs what Bob once sent to her (RFC 3830 §3.2).
  World world;
  world.alice.self.identity = kBob;
  const Bytes first = world.Start(Mode::kPk);
  const Bytes renamed = Resigned(world, first, [](Payload& payload) {
    if (auto* id = std::get_if<IdPayload>(&payload); id != nullptr && id->data.data() != nullptr) {
      static bool done = false;
      if (!std::exchange(done, true)) *id = kAlice.Payload();
    }
  });
  world.ToBob(renamed);
  EXPECT_EQ(world.status.error(), Error::kUnknownIdentity);
}

TEST(Pk, SignaturesByPss) {
  World world;
  world.alice.policy.signature = SignatureType::kRsaPss;
  ASSERT_TRUE(world.initiator.Receive(world.ToBob(world.Start(Mode::kPk)), kNow));
  EXPECT_EQ(TekOf(world.initiator.session()), TekOf(world.BobsSession()));
}

}  // namespace
}  // namespace keymast::mikey
