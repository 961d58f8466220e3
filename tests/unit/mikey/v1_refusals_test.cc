// SPDX-License-Identifier: Apache-2.0
// What a party of version 1 refuses, by what reason, and what it tells the other side.
#include "mikey/proofs.h"
#include "tests/data/ec_keys.h"
#include "tests/unit/mikey/v1_world.h"

namespace keymast::mikey {
namespace {

class Refusal : public testing::Test {
 protected:
  // Answer is the error number that Bob sends back; nothing when he is silent.
  std::optional<ErrorNumber> Told(const Bytes& answer) {
    if (answer.empty()) return std::nullopt;
    Message message;
    EXPECT_TRUE(ParseMessage(answer, message));
    EXPECT_TRUE(CheckGrammar(message, Form::kError));
    const auto* err = message.Get<ErrPayload>();
    return err == nullptr ? std::nullopt : std::optional(err->error_no);
  }
  World world_;
};

TEST_F(Refusal, AStrangerAndAWrongKeyLookAlike) {
  const Bytes known = world_.Start(Mode::kPsk);
  Bytes forged = known;
  forged.back() ^= 1;
  const Bytes wrong_key = world_.ToBob(forged);
  EXPECT_EQ(world_.status.error(), Error::kAuthenticationFailed);
  world_.bob.others.shared_.clear();
  const Bytes stranger = world_.ToBob(known);
  EXPECT_EQ(world_.status.error(), Error::kUnknownIdentity);
  EXPECT_EQ(ToHex(stranger), ToHex(wrong_key));
  EXPECT_EQ(Told(stranger), ErrorNumber::kAuthFailure);
}

TEST_F(Refusal, NobodyKnowsTheKeyThatAStrangerIsTriedWith) {
  world_.alice.others.shared_[std::string(AsText(kBob.data))] =
      crypto::SecretKey<kMaxSharedKey>::OfSize(kMinSharedKey);
  for (const Mode mode : {Mode::kPsk, Mode::kDhhmac}) {
    const Bytes first = world_.Start(mode);
    world_.bob.others.shared_.clear();
    EXPECT_EQ(Told(world_.ToBob(first)), ErrorNumber::kAuthFailure);
    EXPECT_EQ(world_.status.error(), Error::kUnknownIdentity);
    EXPECT_EQ(world_.bob.cache.size(), 0u);
  }
}

TEST_F(Refusal, WhatIsOfSha1sAgeIsOffByDefault) {
  world_.alice.policy = V1Policy::Legacy();
  EXPECT_EQ(Told(world_.ToBob(world_.Start(Mode::kPsk))), ErrorNumber::kInvalidPrf);
  world_.alice.policy.algorithms.prf = PrfFunc::kHmacSha256;
  EXPECT_EQ(Told(world_.ToBob(world_.Start(Mode::kPsk))), ErrorNumber::kInvalidMac);
  EXPECT_EQ(world_.status.error(), Error::kUnsupportedAlgorithm);
  EXPECT_EQ(Told(world_.ToBob(world_.Start(Mode::kDhhmac))), ErrorNumber::kInvalidMac);
  world_.alice.policy.algorithms = V1Policy().algorithms;  // only the signature's hash is old
  EXPECT_EQ(Told(world_.ToBob(world_.Start(Mode::kDh))), ErrorNumber::kAuthFailure);
}

TEST_F(Refusal, NullIsNeverTaken) {
  for (const Algorithms& algorithms :
       {Algorithms{PrfFunc::kHmacSha256, EncrAlg::kNull, MacAlg::kHmacSha256_256},
        Algorithms{PrfFunc::kHmacSha256, EncrAlg::kAesCm128, MacAlg::kNull},
        Algorithms{PrfFunc::kHmacSha256, EncrAlg::kAesKw128, MacAlg::kHmacSha256_256}}) {
    world_.alice.policy.algorithms = algorithms;
    Bytes out(2000);
    EXPECT_EQ(
        world_.initiator.Start(Mode::kPsk, kBob, world_.OfferOf(Mode::kPsk), kNow, world_.rng, out)
            .error(),
        Error::kPolicyViolation);
  }
  // Nor from others: a message relabelled on its way.
  world_.alice.policy = {};
  Bytes first = world_.Start(Mode::kPsk);
  Message message;
  ASSERT_TRUE(ParseMessage(first, message));
  const auto at = static_cast<size_t>(message.Get<KemacPayload>()->encr_data.data() - first.data());
  first[at - 3] = 0;
  EXPECT_EQ(Told(world_.ToBob(first)), ErrorNumber::kInvalidEa);
}

TEST_F(Refusal, SmallDhGroupsAreOffByDefault) {
  for (const DhGroup group : {DhGroup::kOakley1, DhGroup::kOakley2}) {
    for (const Mode mode : {Mode::kDh, Mode::kDhhmac}) {
      world_.alice.policy = {};
      world_.bob.policy = {};
      world_.alice.policy.dh_group = group;
      Bytes out(3000);
      EXPECT_EQ(
          world_.initiator.Start(mode, kBob, world_.OfferOf(mode), kNow, world_.rng, out).error(),
          Error::kPolicyViolation);
      world_.alice.policy.take_oakley1 = world_.alice.policy.take_oakley2 = true;
      world_.bob.others.sessions_.clear();
      const Bytes first = world_.Start(mode);
      EXPECT_EQ(Told(world_.ToBob(first)), ErrorNumber::kInvalidDh);
      EXPECT_EQ(world_.status.error(), Error::kUnsupportedAlgorithm);
      world_.bob.policy.take_oakley1 = world_.bob.policy.take_oakley2 = true;
      world_.bob.others.sessions_.clear();
      ASSERT_TRUE(world_.initiator.Receive(world_.ToBob(world_.Start(mode)), kNow));
      EXPECT_EQ(TekOf(world_.initiator.session()), TekOf(world_.BobsSession()));
    }
  }
}

TEST_F(Refusal, IdentitiesMustBeThere) {
  world_.alice.self.identity = {};
  for (const Mode mode : {Mode::kPsk, Mode::kPk, Mode::kDh, Mode::kDhhmac, Mode::kRsar}) {
    world_.ToBob(world_.Start(mode));
    EXPECT_EQ(world_.status.error(), Error::kPayloadMissing) << static_cast<int>(mode);
  }
}

TEST_F(Refusal, TheyMayBeLeftOutWherePolicySaysSo) {
  world_.alice.policy.require_identities = world_.bob.policy.require_identities = false;
  world_.alice.self.identity = {};
  const crypto::SecretKey<kMaxSharedKey> shared{ByteView(kUserKey)};
  world_.alice.others.shared_[""] = world_.bob.others.shared_[""] = shared;
  Bytes first(2000);
  first.resize(
      *world_.initiator.Start(Mode::kPsk, {}, world_.OfferOf(Mode::kPsk), kNow, world_.rng, first));
  const Bytes answer = world_.ToBob(first);
  ASSERT_TRUE(world_.status) << ErrorName(world_.status.error());
  ASSERT_TRUE(world_.initiator.Receive(answer, kNow));
  EXPECT_EQ(world_.initiator.session().peer.view(), kBob) << "the answer says who it is";
}

TEST_F(Refusal, CertificatesAreJudged) {
  for (const Mode mode : {Mode::kPk, Mode::kDh, Mode::kRsar}) {
    const Bytes other = Side::CertificateOf(kBob, testdata::kEndKey);
    world_.alice.chain[0] = other;  // another's name over her key
    EXPECT_EQ(Told(world_.ToBob(world_.Start(mode))), ErrorNumber::kInvalidCert);
    EXPECT_EQ(world_.status.error(), Error::kCertificateUntrusted);
    const Bytes garbage(30, 0x30);
    world_.alice.chain[0] = garbage;
    world_.ToBob(world_.Start(mode));
    EXPECT_EQ(world_.status.error(), Error::kMalformed);
    world_.alice.chain[0] = world_.alice.certificate;
  }
}

// Version 1 has RSA alone: keys of another kind are refused wherever they come in.
TEST_F(Refusal, KeysOfOtherKinds) {
  for (const std::string_view pem : {testdata::kP256Key, testdata::kEd25519Key}) {
    World world;
    const crypto::PrivateKey key = crypto::TestKey(pem);
    const Bytes of_alice = Side::CertificateOf(kAlice, pem);
    for (const Mode mode : {Mode::kPk, Mode::kDh, Mode::kRsar}) {
      world.alice.self.signing_key = &key;
      Bytes out(kMaxMessage);
      EXPECT_EQ(
          world.initiator.Start(mode, kBob, world.OfferOf(mode), kNow, world.rng, out).error(),
          Error::kFailedPrecondition);
      world.alice.self.signing_key = &world.alice.private_key;
      world.alice.chain[0] = of_alice;
      world.ToBob(world.Start(mode));
      EXPECT_EQ(world.status.error(), Error::kUnsupportedAlgorithm);
      world.alice.chain[0] = world.alice.certificate;
    }
    world.bob.self.envelope_key = &key;
    world.ToBob(world.Start(Mode::kPk));
    EXPECT_EQ(world.status.error(), Error::kFailedPrecondition);
    world.alice.others.certificates_[std::string(AsText(kBob.data))] =
        Side::CertificateOf(kBob, pem);
    Bytes out(kMaxMessage);
    EXPECT_EQ(world.initiator.Start(Mode::kPk, kBob, world.OfferOf(Mode::kPk), kNow, world.rng, out)
                  .error(),
              Error::kUnsupportedAlgorithm);
  }
}

TEST_F(Refusal, CertificatesExpire) {
  const Duration years = std::chrono::hours(24 * 800);
  world_.bob_now = world_.alice_now = kNow + years;
  for (const Mode mode : {Mode::kDh, Mode::kRsar}) {
    EXPECT_EQ(Told(world_.ToBob(world_.Start(mode))), ErrorNumber::kInvalidCert);
    EXPECT_EQ(world_.status.error(), Error::kCertificateExpired);
  }
}

TEST_F(Refusal, NobodyFetchesCertificates) {
  const Bytes first = world_.Start(Mode::kDh);
  const Bytes by_url = Remade(first, [](Header&, auto& payloads) {
    for (Payload& payload : payloads) {
      if (auto* cert = std::get_if<CertPayload>(&payload)) {
        *cert = {CertType::kX509Url, AsBytes("http://example.org/alice.cer")};
      }
    }
  });
  world_.ToBob(by_url);
  EXPECT_EQ(world_.status.error(), Error::kUnsupportedPolicy);
}

TEST_F(Refusal, TheOfferedProtocolsMustBeTheSignalledOnes) {  // RFC 4567 §4.1.4
  world_.bob.others.sdp_ids_ = "mikeyv2;mikey";
  Offer offer = world_.OfferOf(Mode::kDhhmac);
  offer.sdp_ids = AsBytes("mikeyv2;mikey");
  world_.ToBob(world_.Start(Mode::kDhhmac, offer));
  EXPECT_TRUE(world_.status);
  world_.bob.others.sessions_.clear();
  offer.sdp_ids = AsBytes("mikey");  // somebody took the better one out of the signalling
  EXPECT_EQ(Told(world_.ToBob(world_.Start(Mode::kDhhmac, offer))), ErrorNumber::kInvalidSpPar);
  EXPECT_EQ(world_.status.error(), Error::kPolicyViolation);
  EXPECT_TRUE(world_.bob.others.sessions_.empty());
}

TEST_F(Refusal, AnswersAreNoQuestions) {
  const Bytes answer = world_.ToBob(world_.Start(Mode::kPsk));
  EXPECT_TRUE(world_.ToBob(answer).empty());
  EXPECT_EQ(world_.status.error(), Error::kUnexpected);
  const Bytes ticket =
      Hex("010b0500123456780000"
          "000000000000000000");
  world_.ToBob(ticket);
  EXPECT_FALSE(world_.status);
}

TEST_F(Refusal, AnswersToAnotherMessageAreDiscarded) {
  const Bytes first = world_.ToBob(world_.Start(Mode::kPsk));
  world_.bob.others.sessions_.clear();
  const Bytes second = world_.ToBob(world_.Start(Mode::kPsk));
  EXPECT_EQ(world_.initiator.Receive(first, kNow).error(), Error::kUnexpected) << "another T";
  Bytes other = second;
  other[5] ^= 1;
  EXPECT_EQ(world_.initiator.Receive(other, kNow).error(), Error::kWrongCsb);
  EXPECT_TRUE(world_.initiator.Receive(second, kNow));
  EXPECT_EQ(world_.initiator.Receive(second, kNow).error(), Error::kUnexpected) << "once";
}

TEST_F(Refusal, ErrorsAreLeftUnsaidWherePolicySaysSo) {
  world_.bob.policy.send_errors = false;
  Bytes first = world_.Start(Mode::kPsk);
  first.back() ^= 1;
  EXPECT_TRUE(world_.ToBob(first).empty());
  EXPECT_EQ(world_.status.error(), Error::kAuthenticationFailed);
}

TEST_F(Refusal, AReplyThatDoesNotFitLeavesEverythingAsItWas) {
  const Bytes first = world_.Start(Mode::kPsk);
  Session fresh;
  Bytes small(20);
  const auto outcome = world_.responder.Receive(first, kNow, world_.rng, fresh, small);
  EXPECT_EQ(outcome.status.error(), Error::kTooLong);
  EXPECT_TRUE(fresh.csb.keys.empty());
}

TEST_F(Refusal, MoreKeyDataThanAMessageHoldsIsNotSent) {
  const Bytes long_key(192, 1);
  const Bytes rest(kMaxKeyData - 2 * (4 + long_key.size()) - 4, 2);
  const Bytes more(rest.size() + 1, 2);
  std::array<KeyDataPayload, 3> keys;
  keys[0].key = keys[1].key = long_key;
  for (const Bytes* last : {&rest, &more}) {
    keys[2].key = *last;
    Offer offer = world_.OfferOf(Mode::kPsk);
    offer.keys = keys;
    Bytes out(kMaxMessage);
    const auto size = world_.initiator.Start(Mode::kPsk, kBob, offer, kNow, world_.rng, out);
    if (last == &more) {
      EXPECT_EQ(size.error(), Error::kTooLong);
      continue;
    }
    ASSERT_TRUE(size);
    out.resize(*size);
    world_.ToBob(out);
    EXPECT_TRUE(world_.status);
  }
}

TEST_F(Refusal, NoTwoPoliciesOfOneNumber) {
  const Bytes first = world_.Start(Mode::kRsar);
  const auto with_policy = [this, &first](uint8_t number) {
    Bytes out(kMaxMessage);
    Message message;
    EXPECT_TRUE(ParseMessage(first, message));
    ChainWriter chain(out, message.header);
    for (const Payload& payload : message.chain()) {
      if (std::holds_alternative<SignPayload>(payload)) chain.Add(SpPayload{number, {}, {}});
      if (std::holds_alternative<SignPayload>(payload)) break;
      std::visit([&chain](const auto& p) { chain.Add(p); }, payload);
    }
    out.resize(*CloseWithSignature(world_.alice.party, chain));
    return out;
  };
  world_.ToBob(with_policy(0));
  EXPECT_EQ(world_.status.error(), Error::kMalformed);
  world_.ToBob(with_policy(1));
  EXPECT_EQ(world_.status.error(), Error::kNotEntitled) << "which is all that is wrong";
}

TEST_F(Refusal, WhoHasWhatBundleIsToldToNobody) {
  EXPECT_TRUE(world_.initiator.Receive(world_.ToBob(world_.Start(Mode::kPsk)), kNow));
  Bytes forged = world_.Start(Mode::kPsk);
  forged.back() ^= 1;
  EXPECT_EQ(Told(world_.ToBob(forged)), ErrorNumber::kAuthFailure);
  EXPECT_EQ(world_.status.error(), Error::kAuthenticationFailed);
}

TEST_F(Refusal, ACounterUnderASignatureIsAnInvalidTimestamp) {
  Offer offer = world_.OfferOf(Mode::kDh);
  offer.counter = 7;
  EXPECT_EQ(Told(world_.ToBob(world_.Start(Mode::kDh, offer))), ErrorNumber::kInvalidTs);
}

TEST_F(Refusal, TheResponderFillsInItsStreams) {  // RFC 3830 §6.1.1
  for (const Mode mode : {Mode::kPsk, Mode::kPk, Mode::kDh, Mode::kDhhmac}) {
    world_.bob.others.sessions_.clear();
    world_.bob.others.fill_in_ = Ssrc(0xb0b);
    ASSERT_TRUE(world_.initiator.Receive(world_.ToBob(world_.Start(mode)), kNow));
    EXPECT_EQ(world_.initiator.session().csb.sessions[0].ssrc, Ssrc(0xdeadbeef));
    EXPECT_EQ(world_.initiator.session().csb.sessions[1].ssrc, Ssrc(0xb0b));
    EXPECT_EQ(world_.BobsSession().csb.sessions[1].ssrc, Ssrc(0xb0b));
  }
}

TEST_F(Refusal, BlocksOfSessionsAreRead) {  // a GENERIC-ID map, as RFC 6043 has it
  world_.sessions[0].cs_id = 7;
  world_.sessions[0].has_seq = true;
  world_.sessions[0].seq = 1234;
  world_.sessions[0].spi = Octets<kMaxSpi>(Hex("00000001"));
  const Bytes answer = world_.ToBob(world_.Start(Mode::kPsk));
  ASSERT_TRUE(world_.status) << ErrorName(world_.status.error());
  ASSERT_TRUE(world_.initiator.Receive(answer, kNow));
  const CsbSession& session = world_.BobsSession().csb.sessions[0];
  EXPECT_EQ(session.cs_id, 7);
  EXPECT_EQ(session.seq, 1234);
  EXPECT_EQ(session.ssrc, Ssrc(0xdeadbeef));
  EXPECT_EQ(ToHex(session.spi.view()), "00000001");
  EXPECT_EQ(TekOf(world_.initiator.session(), 7), TekOf(world_.BobsSession(), 7));
}

}  // namespace
}  // namespace keymast::mikey
