// SPDX-License-Identifier: Apache-2.0
// Updates of a bundle (RFC 3830 §4.5): same CSB ID and RAND, new keys or none, under a cached
// envelope key or a new one.
#include "tests/unit/mikey/v1_world.h"

namespace keymast::mikey {
namespace {

const Bytes kNewTgk = Hex("b0b1b2b3b4b5b6b7b8b9babbbcbdbebf");

class Update : public testing::Test {
 protected:
  Update() {
    new_key_.key = kNewTgk;
    rekey_.keys = {&new_key_, 1};
  }

  void Establish(Mode mode, Cache cache = Cache::kNone) {
    Offer offer = world_.OfferOf(mode);
    offer.cache = cache;
    grant_.keys = {&world_.key, 1};
    grant_.policies = {&world_.policy, 1};
    grant_.cache = cache;
    world_.bob.others.grant_ = grant_;
    ASSERT_TRUE(world_.initiator.Receive(world_.ToBob(world_.Start(mode, offer)), kNow));
    before_ = TekOf(world_.initiator.session());
  }

  // Run sends an update and expects it to be taken.
  void Run(const Offer& offer, DataType type) {
    const Bytes message = world_.Update(offer);
    ASSERT_GT(message.size(), 10u);
    EXPECT_EQ(message[1], static_cast<uint8_t>(type));
    Message parsed;
    ASSERT_TRUE(ParseMessage(message, parsed));
    EXPECT_EQ(parsed.Get<RandPayload>(), nullptr);
    const Bytes answer = world_.ToBob(message);
    ASSERT_TRUE(world_.status) << ErrorName(world_.status.error());
    if (!answer.empty()) {
      const Status received = world_.initiator.Receive(answer, kNow);
      ASSERT_TRUE(received) << ErrorName(received.error());
    }
    EXPECT_EQ(world_.initiator.state(), Initiator::State::kEstablished);
    EXPECT_EQ(TekOf(world_.initiator.session()), TekOf(world_.BobsSession()));
    EXPECT_EQ(world_.bob.others.sessions_.size(), 1u);
  }
  bool Rekeyed() { return TekOf(world_.initiator.session()) != before_; }

  World world_;
  Grant grant_;
  KeyDataPayload new_key_;
  Offer rekey_;
  std::string before_;
};

TEST_F(Update, PskWithANewKey) {
  Establish(Mode::kPsk);
  Run(rekey_, DataType::kPskInit);
  EXPECT_TRUE(Rekeyed());
  EXPECT_EQ(ToHex(world_.BobsSession().csb.keys[0].key.view()), ToHex(kNewTgk));
}

TEST_F(Update, PskWithoutAKeyChangesTheRest) {
  Establish(Mode::kPsk);
  std::array<CsbSession, 3> sessions;
  for (size_t i = 0; i < sessions.size(); ++i) sessions[i].cs_id = static_cast<uint8_t>(i + 1);
  Offer offer;
  offer.sessions = sessions;
  Run(offer, DataType::kPskInit);
  EXPECT_FALSE(Rekeyed());
  EXPECT_EQ(world_.BobsSession().csb.sessions.size(), 3u);
  EXPECT_EQ(world_.BobsSession().csb.policies.size(), 1u) << "what is left out stays";
}

TEST_F(Update, NobodyNeedsToAnswer) {
  Establish(Mode::kPsk);
  rekey_.wants_answer = false;
  Run(rekey_, DataType::kPskInit);
  EXPECT_TRUE(Rekeyed());
}

TEST_F(Update, ACachedEnvelopeKeyMakesItAPskMessage) {
  for (const Cache cache : {Cache::kCache, Cache::kForCsb}) {
    world_.bob.others.sessions_.clear();
    Establish(Mode::kPk, cache);
    Run(rekey_, DataType::kPskInit);
    EXPECT_TRUE(Rekeyed());
  }
}

TEST_F(Update, WithoutACachedKeyThereIsANewEnvelope) {
  Establish(Mode::kPk);
  const std::string first = ToHex(world_.initiator.session().shared.view());
  Run(rekey_, DataType::kPkInit);
  EXPECT_TRUE(Rekeyed());
  EXPECT_NE(ToHex(world_.initiator.session().shared.view()), first);
  Run(Offer{}, DataType::kPkInit);  // and no key at all
}

TEST_F(Update, APkMessageForACachedKeyIsRefused) {  // RFC 3830 §4.5: it must be a PSK message
  Establish(Mode::kPk);
  world_.bob.others.sessions_.begin()->second.cache = Cache::kCache;
  world_.ToBob(world_.Update(rekey_));
  EXPECT_EQ(world_.status.error(), Error::kUnexpected);
  EXPECT_EQ(TekOf(world_.BobsSession()), before_);
}

TEST_F(Update, APskMessageWithoutACachedKeyIsRefused) {
  Establish(Mode::kPk, Cache::kCache);
  world_.bob.others.sessions_.begin()->second.cache = Cache::kNone;
  world_.ToBob(world_.Update(rekey_));
  EXPECT_EQ(world_.status.error(), Error::kUnexpected);
}

TEST_F(Update, DhWithNewValuesAndWithout) {
  for (const Mode mode : {Mode::kDh, Mode::kDhhmac}) {
    world_.bob.others.sessions_.clear();
    Establish(mode);
    const DataType type = mode == Mode::kDh ? DataType::kDhInit : DataType::kDhhmacInit;
    Run(Offer{}, type);
    EXPECT_TRUE(Rekeyed());
    before_ = TekOf(world_.initiator.session());
    Offer same;
    same.fresh_dh = false;
    Run(same, type);
    EXPECT_FALSE(Rekeyed());
  }
}

TEST_F(Update, RsarByTheResponderUnderTheCachedEnvelopeKey) {  // RFC 4738 §3.6
  Establish(Mode::kRsar, Cache::kCache);
  // The Responder gave the keys: it renews them.
  Initiator bobs(world_.bob.party, world_.bob.stamper);
  Responder alices(world_.alice.party, world_.alice.cache);
  world_.alice.others.sessions_[0x12345678] = world_.initiator.session();
  Bytes out(2000);
  out.resize(*bobs.Update(world_.BobsSession(), rekey_, kNow, world_.rng, out));
  Session fresh;
  Bytes answer(2000);
  const auto outcome = alices.Receive(out, kNow, world_.rng, fresh, answer);
  ASSERT_TRUE(outcome.status) << ErrorName(outcome.status.error());
  ASSERT_NE(outcome.updated, nullptr);
  answer.resize(outcome.reply);
  ASSERT_TRUE(bobs.Receive(answer, kNow));
  EXPECT_EQ(TekOf(*outcome.updated), TekOf(bobs.session()));
  EXPECT_NE(TekOf(bobs.session()), before_);
}

// Both sides would encrypt under one key, RAND and CSB ID: one timestamp on both gives the XOR of
// two keys away.
TEST_F(Update, FromOneSideOnly) {
  for (const Mode mode : {Mode::kPsk, Mode::kPk, Mode::kDh, Mode::kDhhmac, Mode::kRsar}) {
    world_.bob.others.sessions_.clear();
    Establish(mode, Cache::kCache);
    const bool bobs = mode == Mode::kRsar;
    Initiator wrong(bobs ? world_.alice.party : world_.bob.party,
                    bobs ? world_.alice.stamper : world_.bob.stamper);
    Session session = bobs ? world_.initiator.session() : world_.BobsSession();
    Bytes out(3000);
    EXPECT_EQ(wrong.Update(session, rekey_, kNow, world_.rng, out).error(),
              Error::kPolicyViolation);
    session.updates_from_us = true;
    out.resize(*wrong.Update(session, rekey_, kNow, world_.rng, out));
    Side& other = bobs ? world_.bob : world_.alice;
    if (!bobs) other.others.sessions_[0x12345678] = world_.initiator.session();
    Session fresh;
    Bytes answer(3000);
    const auto outcome =
        Responder(other.party, other.cache).Receive(out, kNow, world_.rng, fresh, answer);
    EXPECT_EQ(outcome.status.error(), Error::kUnexpected) << static_cast<int>(mode);
  }
}

TEST_F(Update, OfTheMachinesOwnSession) {
  Establish(Mode::kPsk);
  Bytes out(2000);
  out.resize(*world_.initiator.Update(world_.initiator.session(), rekey_, kNow, world_.rng, out));
  ASSERT_TRUE(world_.initiator.Receive(world_.ToBob(out), kNow));
  EXPECT_EQ(TekOf(world_.initiator.session()), TekOf(world_.BobsSession()));
}

TEST_F(Update, OfAnothersBundleIsRefusedWhoeverFindsIt) {
  world_.bob.others.careless_ = true;
  for (const Mode mode : {Mode::kPsk, Mode::kPk, Mode::kDh, Mode::kDhhmac}) {
    world_.bob.others.sessions_.clear();
    Establish(mode);
    const Identity mallory{IdType::kUri, AsBytes("sip:mallory@example.org")};
    const Bytes certificate = Side::CertificateOf(mallory, testdata::kEndKey);
    world_.alice.self.identity = mallory;
    world_.alice.chain[0] = certificate;
    world_.bob.others.shared_[std::string(AsText(mallory.data))] =
        crypto::SecretKey<kMaxSharedKey>{ByteView(kUserKey)};
    Offer offer;
    if (mode == Mode::kPsk || mode == Mode::kPk) offer = rekey_;
    world_.ToBob(world_.Update(offer));
    EXPECT_EQ(world_.status.error(), Error::kUnknownIdentity) << static_cast<int>(mode);
    EXPECT_EQ(TekOf(world_.BobsSession()), before_);
    EXPECT_EQ(world_.BobsSession().peer.view(), kAlice);
    world_.alice.self.identity = kAlice;
    world_.alice.chain[0] = world_.alice.certificate;
  }
}

TEST_F(Update, ACounterWithoutIdentitiesIsThePeers) {  // RFC 3830 figure 4.1: both may be left out
  Offer offer = world_.OfferOf(Mode::kPsk);
  offer.counter = 1;
  ASSERT_TRUE(world_.initiator.Receive(world_.ToBob(world_.Start(Mode::kPsk, offer)), kNow));
  world_.alice.self.identity = {};
  rekey_.counter = 2;
  const Bytes second = world_.Update(rekey_);
  world_.ToBob(second);
  ASSERT_TRUE(world_.status) << ErrorName(world_.status.error());
  rekey_.counter = 3;
  new_key_.key = kTgk16;
  world_.ToBob(world_.Update(rekey_));
  ASSERT_TRUE(world_.status);
  world_.ToBob(second);
  EXPECT_EQ(world_.status.error(), Error::kReplayed);
  EXPECT_EQ(ToHex(world_.BobsSession().csb.keys[0].key.view()), ToHex(kTgk16));
  EXPECT_EQ(world_.bob.others.counters_.at(std::string(AsText(kAlice.data))), 3u);
}

TEST_F(Update, UnderACachedKeyNeedsNoModePsk) {
  Establish(Mode::kPk, Cache::kCache);
  world_.alice.policy.modes = world_.bob.policy.modes = {false, true, false, false, false};
  Run(rekey_, DataType::kPskInit);
  EXPECT_TRUE(Rekeyed());
}

TEST_F(Update, APkMessageAlwaysHasASenderInside) {  // RFC 3830 §6.2
  Establish(Mode::kPk);
  const Bytes update = Remade(world_.Update(rekey_), [](Header&, auto& payloads) {
    std::erase_if(payloads, [](const Payload& payload) {
      return std::holds_alternative<KemacPayload>(payload);
    });
  });
  world_.ToBob(update);
  EXPECT_EQ(world_.status.error(), Error::kPayloadMissing);
}

TEST_F(Update, RsarWithoutACachedKeyHasNone) {
  Establish(Mode::kRsar);
  Bytes out(2000);
  EXPECT_EQ(
      world_.initiator.Update(world_.initiator.session(), rekey_, kNow, world_.rng, out).error(),
      Error::kPolicyViolation);
  EXPECT_EQ(world_.initiator.Update(world_.BobsSession(), rekey_, kNow, world_.rng, out).error(),
            Error::kPolicyViolation);
}

TEST_F(Update, OfNoBundleIsRefused) {
  Establish(Mode::kPsk);
  const Bytes update = world_.Update(rekey_);
  world_.bob.others.sessions_.clear();
  EXPECT_TRUE(world_.ToBob(update).empty()) << "there is no key to prove an error by";
  EXPECT_EQ(world_.status.error(), Error::kWrongCsb);
}

TEST_F(Update, ANewBundleUnderATakenIdIsRefused) {
  Establish(Mode::kPsk);
  world_.ToBob(world_.Start(Mode::kPsk));
  EXPECT_EQ(world_.status.error(), Error::kAlreadyExists);
  EXPECT_EQ(TekOf(world_.BobsSession()), before_);
}

TEST_F(Update, AReplayedUpdateIsRefused) {
  Establish(Mode::kPsk);
  const Bytes first = world_.Update(rekey_);
  world_.ToBob(first);
  ASSERT_TRUE(world_.status);
  new_key_.key = kTgk16;
  world_.ToBob(world_.Update(rekey_));
  ASSERT_TRUE(world_.status);
  world_.ToBob(first);
  EXPECT_EQ(world_.status.error(), Error::kReplayed);
  EXPECT_EQ(ToHex(world_.BobsSession().csb.keys[0].key.view()), ToHex(kTgk16));
}

TEST_F(Update, KeystreamOfAnUpdateIsAnother) {  // RAND and keys are the same, T is not
  Establish(Mode::kPsk);
  new_key_.key = kTgk16;
  Message first;
  Message second;
  const Bytes one = world_.Update(rekey_);
  const Bytes two = world_.Update(rekey_);
  ASSERT_TRUE(ParseMessage(one, first));
  ASSERT_TRUE(ParseMessage(two, second));
  EXPECT_NE(ToHex(first.Get<KemacPayload>()->encr_data),
            ToHex(second.Get<KemacPayload>()->encr_data));
}

}  // namespace
}  // namespace keymast::mikey
