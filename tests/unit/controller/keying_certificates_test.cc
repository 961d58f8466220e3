// SPDX-License-Identifier: Apache-2.0
// Joins by certificate: whose are believed, and what a reload of them changes.
#include "rekey/group_keys.h"
#include "tests/unit/controller/joins.h"

namespace keymast::controller {
namespace {

struct Certificates : Joins, testing::WithParamInterface<Mode> {
  explicit Certificates(const KeyingConfig& keying = WithModes({Mode::kEarlyDh, Mode::kDh}))
      : Joins(keying) {
    Use(ServerCredentials());
  }
  // Silence is what a receiver with that certificate hears.
  void IsMetWithSilence(const crypto::CertificateRecipe& recipe, int member = 1) {
    const auto credentials = CredentialsOf(recipe);
    Receiver receiver(world, member, Mode::kDh, kMskMessages, &credentials);
    EXPECT_TRUE(receiver.Ask(receiver.Cap()).empty());
    EXPECT_TRUE(receiver.step.changes.empty());
  }
};

struct EachMode : Certificates {
  EachMode() : Certificates(WithModes({GetParam()})) {}
};
INSTANTIATE_TEST_SUITE_P(Modes, EachMode, testing::Values(Mode::kDh, Mode::kEarlyDh));

TEST_P(EachMode, GivesTheKeysOfNow) {
  const auto credentials = CredentialsOf(CertificateOf(1));
  Receiver receiver(world, 1, GetParam(), kMskMessages, &credentials);
  receiver.Run();
  ASSERT_EQ(receiver.state(), State::kDone);
  EXPECT_EQ(receiver.offerer.exchange().choice.mode, GetParam());
  const rekey::Ladder& ladder = world.ladder();
  const mikey::v2::Contents& contents = receiver.offerer.contents();
  EXPECT_TRUE(Equal(contents.keys[0].key, ladder.msk->key.view()));
  const rekey::Mtk mtk = rekey::DeriveMtk(*ladder.msk, ladder.active->mtk, world.channel().channel);
  EXPECT_TRUE(Equal(contents.keys[1].key, mtk.key.view()));
  EXPECT_EQ(world.core->JoinedCount(kNews), 1U);
  const bool by_answer = GetParam() == Mode::kEarlyDh;
  EXPECT_EQ(world.core->ConfirmedCount(kNews), by_answer ? 1U : 0U);
  EXPECT_EQ(counters().joins[static_cast<size_t>(GetParam())], 1U);
  EXPECT_EQ(counters().retries, by_answer ? 1U : 0U) << "FRESH, for early DH alone";
}

// A user key is no part of it: its ticket is good, and it is sent nothing by itself.
TEST_P(EachMode, WhoHasNoUserKeyJoinsToo) {
  NewMember member;
  member.member.subscriber = IdOf(9);
  member.member.msk_endpoint = EndpointOf(9);
  world.Do(CreateSubscribers{{{IdOf(9), IdentityOf(9), {}}}});
  world.Do(CreateMembers{kNews, {member}});
  const auto credentials = CredentialsOf(CertificateOf(9));
  for (int i = 0; i < 2; ++i) {
    Receiver receiver(world, 9, GetParam(), kMskMessages, &credentials);
    receiver.Run();
    ASSERT_EQ(receiver.state(), State::kDone);
    EXPECT_TRUE(Equal(receiver.offerer.contents().keys[0].key, world.ladder().msk->key.view()));
    world.Do(RekeyNow{kNews, rekey::KeyLevel::kMsk});
    world.Pass(seconds(30));
    EXPECT_TRUE(world.MsksTo(9).empty());
    world.Restart(seconds(1));
    Use(ServerCredentials());
  }
}

TEST_P(EachMode, TheMarkIsDurableBeforeKeysLeave) {
  const auto credentials = CredentialsOf(CertificateOf(1));
  Receiver receiver(world, 1, GetParam(), kMskMessages, &credentials);
  Bytes next = receiver.Cap();
  while (!next.empty()) {
    const bool had = receiver.offerer.has_keys();
    const Bytes reply = receiver.Ask(next);
    const bool is_marked =
        world.durable.channels.at(kNews).members.at(IdOf(1)).given.number.value != 0;
    next = receiver.Take(reply);
    if (!had && receiver.offerer.has_keys()) {
      EXPECT_TRUE(is_marked);
      EXPECT_FALSE(receiver.step.changes.empty());
    } else if (!had) {
      EXPECT_FALSE(is_marked);
    }
  }
  EXPECT_TRUE(receiver.offerer.has_keys());
}

TEST_P(EachMode, WhoIsNotEntitledHearsWhatAStrangerWithAGoodCertificateHears) {
  world.Do(Expel{kNews, {IdOf(2)}});
  for (const int member : {2, 99}) {
    const auto credentials = CredentialsOf(CertificateOf(member));
    Receiver receiver(world, member, GetParam(), kMskMessages, &credentials);
    receiver.Run();
    EXPECT_EQ(receiver.state(), State::kFailed) << member;
    EXPECT_EQ(receiver.offerer.peer_error(), mikey::ErrorNumber::kInvalidId) << member;
    EXPECT_FALSE(receiver.offerer.has_keys());
  }
}

TEST_F(Certificates, OthersAreNotBelieved) {
  crypto::CertificateRecipe other_authority = CertificateOf(1);
  other_authority.signer = testdata::kOtherKey;
  IsMetWithSilence(other_authority);
  crypto::CertificateRecipe ended = CertificateOf(1);
  ended.until = -60;
  IsMetWithSilence(ended);
  crypto::CertificateRecipe begins = CertificateOf(1);
  begins.from = 60;
  IsMetWithSilence(begins);
  crypto::CertificateRecipe no_signer = CertificateOf(1);
  no_signer.key_usage = "critical,keyEncipherment";
  IsMetWithSilence(no_signer);
  IsMetWithSilence(CertificateOf(2), 1);  // another member's
  EXPECT_EQ(Discarded(Error::kAuthenticationFailed), 5U) << "one looks like the other";
  Use(ServerCredentials({101}));
  IsMetWithSilence(CertificateOf(1));
  EXPECT_EQ(Discarded(Error::kAuthenticationFailed), 6U);
}

TEST_F(Certificates, AListThatIsPastShutsItsAuthorityOut) {
  Use(ServerCredentials({}, 600));
  const auto credentials = CredentialsOf(CertificateOf(1));
  Receiver before(world, 1, Mode::kDh, kMskMessages, &credentials);
  before.Run();
  EXPECT_EQ(before.state(), State::kDone);
  world.Pass(minutes(11));
  IsMetWithSilence(CertificateOf(1));
  auto lenient = ServerCredentials({}, 600);
  lenient->all.trust.store().TakeStaleLists();
  Use(lenient);
  Receiver after(world, 1, Mode::kDh, kMskMessages, &credentials);
  after.Run();
  EXPECT_EQ(after.state(), State::kDone);
}

TEST_F(Certificates, APinIsEnough) {
  crypto::CertificateRecipe alone = CertificateOf(1);
  alone.signer = testdata::kOtherKey;
  const auto credentials = CredentialsOf(alone);
  auto pinning = ServerCredentials();
  pinning->all.trust.Pin({mikey::IdType::kNai, AsBytes(IdentityOf(1))},
                         crypto::Sha256(credentials.own[0].chain[0]));
  pinning->trust = pinning->all.trust.Digest();
  Use(pinning);
  Receiver receiver(world, 1, Mode::kDh, kMskMessages, &credentials);
  receiver.Run();
  EXPECT_EQ(receiver.state(), State::kDone);
  IsMetWithSilence(alone, 2);
}

TEST_F(Certificates, WhoIsRevokedInTheMiddleGetsNothing) {
  const auto credentials = CredentialsOf(CertificateOf(1));
  Receiver receiver(world, 1, Mode::kDh, kMskMessages, &credentials);
  const Bytes finish = receiver.Take(receiver.Ask(receiver.Cap()));
  ASSERT_FALSE(finish.empty());
  Use(ServerCredentials({101}));
  EXPECT_TRUE(receiver.Ask(finish).empty());
  EXPECT_EQ(world.core->Exchanges(), 0U);
}

TEST_F(Certificates, ANewListThatSaysTheSameEndsNothing) {
  const auto credentials = CredentialsOf(CertificateOf(1));
  Receiver receiver(world, 1, Mode::kDh, kMskMessages, &credentials);
  const Bytes finish = receiver.Take(receiver.Ask(receiver.Cap()));
  Use(ServerCredentials({}, 20 * 86400));
  receiver.Take(receiver.Ask(finish));
  EXPECT_EQ(receiver.state(), State::kDone);
}

TEST_F(Certificates, WithoutCredentialsNoModeOfTheirsIsTaken) {
  Use(nullptr);
  const auto credentials = CredentialsOf(CertificateOf(1));
  Receiver receiver(world, 1, Mode::kDh, kMskMessages, &credentials);
  receiver.Take(receiver.Ask(receiver.Cap()));
  EXPECT_EQ(receiver.state(), State::kOffered);
  EXPECT_EQ(receiver.offerer.peer_error(), mikey::ErrorNumber::kInvalidDt) << "a hint";
}

// A finish that fails costs a signature: those that come behind many wait for what is cheaper.
TEST_F(Certificates, WrongFinishesWaitLikeStrangers) {
  const auto credentials = CredentialsOf(CertificateOf(1));
  Receiver receiver(world, 1, Mode::kDh, kMskMessages, &credentials);
  const Bytes finish = receiver.Take(receiver.Ask(receiver.Cap()));
  Bytes wrong = finish;
  wrong.back() ^= 1;
  for (int i = 0; i < 40; ++i) world.core->OnDatagram(receiver.address, wrong, world.now);
  EXPECT_EQ(Discarded(Error::kAuthenticationFailed), 16U);
  EXPECT_EQ(world.core->Waiting(), 16U) << "as many as have a place";
  for (int i = 0; i < 16; ++i) world.Deliver(world.core->Serve(world.now));
  world.Pass(seconds(2));
  receiver.Take(receiver.Ask(finish));
  EXPECT_EQ(receiver.state(), State::kDone);
}

// A flood of CAPs takes their place neither from them nor before them.
TEST_F(Certificates, FinishesThatWaitAreServedBeforeStrangers) {
  const auto credentials = CredentialsOf(CertificateOf(1));
  Receiver receiver(world, 1, Mode::kDh, 0, &credentials);
  const Bytes finish = receiver.Take(receiver.Ask(receiver.Cap()));
  Bytes wrong = finish;
  wrong.back() ^= 1;
  for (int i = 0; i < 16; ++i) world.core->OnDatagram(receiver.address, wrong, world.now);
  const Bytes cap{2, static_cast<uint8_t>(mikey::DataType::kCap)};
  for (int i = 0; i < 40; ++i) world.core->OnDatagram(EndpointOf(500 + i), cap, world.now);
  EXPECT_EQ(world.core->Waiting(), 16U);
  world.core->OnDatagram(receiver.address, finish, world.now);
  EXPECT_EQ(world.core->Waiting(), 17U);
  const Step step = world.core->Serve(world.now);
  ASSERT_EQ(step.datagrams.size(), 1U);
  receiver.Take(step.datagrams[0].octets);
  EXPECT_EQ(receiver.state(), State::kDone);
}

}  // namespace
}  // namespace keymast::controller
