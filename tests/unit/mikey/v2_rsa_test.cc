// SPDX-License-Identifier: Apache-2.0
// Mode RSA of MIKEYv2: keys under an envelope key, which is under the Offerer's RSA key.
#include "mikey/v2/messages.h"
#include "mikey/v2/signing.h"
#include "tests/unit/mikey/v2_public_key.h"

namespace keymast::mikey::v2 {
namespace {

const crypto::Suite& kSuite = crypto::DefaultSuite();
constexpr auto kRsa = crypto::KeyKind::kRsa;

class RsaOfVersion2 : public testing::Test {
 protected:
  // Forged is the answer to a CAP as somebody with the Answerer's key would make it, with an
  // envelope of `envelope` and keys under `secret`.
  Bytes Forged(const Bytes& cap, ByteView envelope, const ExchangeSecret& secret) {
    const Bytes good = world.ToAnswerer(cap);
    EXPECT_FALSE(good.empty());
    Exchange exchange = world.answered_.entry->exchange;
    exchange.secret = secret;
    Contents contents;
    contents.sender = IdrPayload{IdRole::kResponder, kPeerId.type, kPeerId.data};
    contents.keys.Add({KeyDataType::kTgk, exchange.tgk.view(), {}, {}});
    const Signer signer{&certified.pair.peer.own[0], Shown::kHash};
    const Given given{*world.answered_.entry->streams, contents, envelope, signer};
    Bytes out(kMaxOneDatagram);
    out.resize(*WriteAnswer(kSuite, exchange, given, out));
    return out;
  }

  Certified certified{Mode::kRsa, kRsa};
  World& world = certified.world;
};

TEST_F(RsaOfVersion2, LeavesBothWithOneSession) {
  for (const Shown shown : {Shown::kHash, Shown::kNothing}) {
    certified.Run(certified.Session(shown));
    HaveOneSession(world);
    EXPECT_EQ(world.offerer_.exchange().choice.mode, Mode::kRsa);
    EXPECT_EQ(world.offerer_.exchange().choice.signature, SignatureType::kRsaPss);
  }
}

TEST_F(RsaOfVersion2, AJoinHasItsKeysInTheAnswer) {
  certified.pair.peer.shown = Shown::kHash;
  const Bytes answer = world.ToAnswerer(world.Open(certified.Join()));
  ASSERT_TRUE(world.answered_.status) << ErrorName(world.answered_.status.error());
  const Bytes finish = world.ToOfferer(answer);
  ASSERT_TRUE(world.offered_.status) << ErrorName(world.offered_.status.error());
  EXPECT_TRUE(world.offerer_.has_keys());
  world.ToOfferer(world.ToAnswerer(finish));
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kDone);
  EXPECT_EQ(world.others_.grants_, 1);
  EXPECT_EQ(world.offerer_.contents().keys[1].type, KeyDataType::kMtk);
}

TEST_F(RsaOfVersion2, TheUnentitledAreToldWithTheAnswerersSignature) {
  certified.pair.peer.shown = Shown::kHash;
  world.others_.entitled_ = false;
  const Bytes error = world.ToAnswerer(world.Open(certified.Join()));
  EXPECT_EQ(ReasonOf(world.answered_.status), Error::kNotEntitled);
  ASSERT_FALSE(error.empty());
  for (size_t bit = 0; bit < 8 * error.size(); bit += 5) {
    Bytes flipped = error;
    flipped[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    world.ToOfferer(flipped);
    ASSERT_EQ(world.offerer_.state(), Offerer::State::kOffered) << bit;
  }
  world.ToOfferer(error);
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kFailed);
  EXPECT_EQ(world.offerer_.peer_error(), ErrorNumber::kInvalidId);
}

TEST_F(RsaOfVersion2, EveryFlippedBitIsDropped) {
  certified.pair.peer.shown = Shown::kHash;
  DropsEveryFlip(world, certified.Join(), 7);
}

// MIKEYv2 §5: bad padding is no error of its own.
TEST_F(RsaOfVersion2, BadPaddingLooksLikeAWrongKey) {
  certified.pair.peer.shown = Shown::kHash;
  const Bytes cap = world.Open(certified.Session());
  auto secret = ExchangeSecret::OfSize(crypto::kOaepKey);
  world.rng_.Fill(secret.mutable_view());
  const crypto::PublicKey key = certified.pair.member.own[0].key.PublicPart();
  Bytes envelope(crypto::kMaxModulusSize);
  envelope.resize(*kSuite.pk->wrap_oaep(key, secret.view(), world.rng_, envelope));
  Bytes padded(crypto::kMaxModulusSize);  // RSAES-PKCS1-v1_5
  padded.resize(*kSuite.pk->wrap(key, secret.view(), world.rng_, padded));
  auto other = ExchangeSecret::OfSize(crypto::kOaepKey);
  for (const Bytes& wrong : {padded, Bytes(256, 0), Bytes(256, 0xff), Bytes(), Bytes(255, 1)}) {
    world.ToOfferer(Forged(cap, wrong, secret));
    EXPECT_EQ(ReasonOf(world.offered_.status), Error::kAuthenticationFailed);
  }
  world.ToOfferer(Forged(cap, envelope, other));
  EXPECT_EQ(ReasonOf(world.offered_.status), Error::kAuthenticationFailed);
  world.ToOfferer(Forged(cap, envelope, secret));
  EXPECT_TRUE(world.offered_.status);
}

TEST_F(RsaOfVersion2, WhoSendsSaysSoInside) {
  certified.pair.peer.shown = Shown::kHash;
  const Bytes cap = world.Open(certified.Session());
  world.ToAnswerer(cap);
  Exchange exchange = world.answered_.entry->exchange;
  Contents contents;
  contents.sender = IdrPayload{IdRole::kResponder, kGroupId.type, kGroupId.data};
  contents.keys.Add({KeyDataType::kTgk, exchange.tgk.view(), {}, {}});
  Bytes envelope(crypto::kMaxModulusSize);
  envelope.resize(
      *kSuite.pk->wrap_oaep(*exchange.peer_key, exchange.secret.view(), world.rng_, envelope));
  const Signer signer{&certified.pair.peer.own[0], Shown::kHash};
  const Given given{*world.answered_.entry->streams, contents, envelope, signer};
  Bytes out(kMaxOneDatagram);
  out.resize(*WriteAnswer(kSuite, exchange, given, out));
  world.ToOfferer(out);
  EXPECT_EQ(ReasonOf(world.offered_.status), Error::kUnknownIdentity);
  EXPECT_EQ(world.offerer_.state(), Offerer::State::kOffered);
}

// MIKEYv2 §3.3: mode 2 is offered only with an RSA certificate.
TEST_F(RsaOfVersion2, NoOtherKeyOffersIt) {
  const Pair curves(crypto::KeyKind::kP256);
  Offerer offerer(kSuite, world.policy_, &curves.member);
  Bytes out(kMaxOneDatagram);
  EXPECT_EQ(offerer.Open(certified.Session(), kStart, world.rng_, out),
            Err(Error::kInvalidArgument));
}

TEST_F(RsaOfVersion2, AnAnswererWithAnotherKeySignsWithThat) {
  const Pair curves(crypto::KeyKind::kEd25519);
  Credentials controller;
  controller.own.push_back(CredentialOf(PeerRecipe(crypto::KeyKind::kEd25519)));
  TrustAuthority(controller.trust);
  EXPECT_TRUE(controller.trust.Know(kMemberId, certified.pair.member.own[0].chain));
  world.answerer_.set_credentials(&controller);
  world.Run(certified.Session());
  HaveOneSession(world);
  EXPECT_EQ(world.offerer_.exchange().choice.signature, SignatureType::kEd25519);
}

}  // namespace
}  // namespace keymast::mikey::v2
