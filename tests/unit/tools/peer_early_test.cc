// SPDX-License-Identifier: Apache-2.0
// Early media of sides with certificates: until the answering description has come, who answers may
// be anybody (MIKEYv2 §12).
#include "mikey/v2/messages.h"
#include "peer_certified.h"

namespace keymast::tools {
namespace {

using enum sdp::Direction;
using mikey::v2::Mode;
using State = PeerCall::State;

// Early is Alice, who calls Bob early, and Mallory, who says that he is Bob.
class Early : public testing::TestWithParam<Mode> {
 protected:
  explicit Early(crypto::CertificateRecipe of_bob = {})
      : world_(CertifiedSetup(true, AlicesKey(), GetParam()),
               CertifiedSetup(false, kP256KeyPem, GetParam(), std::move(of_bob))),
        // Nothing but the certificate tells him from Bob.
        mallory_(crypto::DefaultSuite(),
                 CertifiedSetup(false, keymast::testdata::kOtherP256Key, GetParam()), rng_) {
    world_.AddStreams({kSendRecv});
    mallory_.media().Add(kSendRecv, ToneCodecs()[0]);
    offer_ = *world_.alice_.Offer(world_.now_);
    EXPECT_TRUE(world_.bob_.TakeOffer(offer_, world_.now_));
    EXPECT_TRUE(mallory_.TakeOffer(offer_, world_.now_));
    EXPECT_TRUE(world_.alice_.OpenEarly(kBobsPort, world_.now_)) << world_.alice_.failure().message;
  }
  // Mode RSA is for who has such a key.
  static std::string_view AlicesKey() {
    return GetParam() == Mode::kRsa ? keymast::testdata::kEndKey : kEd25519KeyPem;
  }
  // MalloryAnswers whatever Alice says.
  void MalloryAnswers() {
    for (bool moved = true; moved;) {
      moved = false;
      for (Datagram& datagram : alice().TakeOut()) {
        moved = true;
        mallory_.OnDatagram(kAlicesPort, datagram.octets, world_.now_);
      }
      for (Datagram& datagram : mallory_.TakeOut()) {
        moved = true;
        alice().OnDatagram(kBobsPort, datagram.octets, world_.now_);
      }
    }
  }
  void MalloryTalks() {
    world_.Talk(mallory_, 3);
    MalloryAnswers();
  }
  PeerCall& alice() { return world_.alice_; }
  PeerCall& bob() { return world_.bob_; }
  PeerCall::Done TakeBobsAnswer() {
    return alice().TakeAnswer(*bob().Answer(world_.now_), world_.now_);
  }
  void ExpectBob() {
    EXPECT_EQ(alice().state(), State::kUp) << alice().failure().message;
    EXPECT_EQ(bob().state(), State::kUp) << bob().failure().message;
    const uint64_t before = alice().media().streams()[0].received;
    world_.TalkBoth(2);
    EXPECT_EQ(alice().media().streams()[0].received, before + 2);
    EXPECT_EQ(alice().media().TakePlain().size(), 2u);
    EXPECT_EQ(HeardBy(bob()), "2/2 ");
  }

  crypto::SystemRng rng_;
  CallWorld world_;
  PeerCall mallory_;
  std::string offer_;
};
INSTANTIATE_TEST_SUITE_P(Modes, Early, testing::Values(Mode::kDh, Mode::kEarlyDh, Mode::kRsa),
                         [](const auto& mode) {
                           return "Mode" + std::to_string(static_cast<int>(mode.param));
                         });

TEST_P(Early, MediaIsHeldUntilItsCertificateIsTold) {
  world_.Pump();
  ASSERT_EQ(alice().state(), State::kEarly) << alice().refused_messages();
  EXPECT_EQ(bob().state(), State::kUp);
  world_.Talk(bob(), 3);
  world_.Pump();
  EXPECT_EQ(alice().media().early(), 3u);
  EXPECT_TRUE(alice().media().TakePlain().empty());
  ASSERT_TRUE(TakeBobsAnswer());
  EXPECT_EQ(alice().media().TakePlain().size(), 3u);
  ExpectBob();
  // The ticket of an exchange that was provisional counts from here on.
  ASSERT_TRUE(world_.Round(bob(), alice())) << bob().failure().message;
  EXPECT_TRUE(alice().is_resumed());
  ASSERT_TRUE(alice().Offer(world_.now_));
  EXPECT_EQ(alice().OpenEarly(kBobsPort, world_.now_).error().error, Error::kFailedPrecondition);
}

TEST_P(Early, KeysOfWhoAnsweredFirstGoWithWhatCameUnderThem) {
  MalloryAnswers();
  ASSERT_EQ(alice().state(), State::kEarly);
  MalloryTalks();
  EXPECT_EQ(alice().media().early(), 3u);
  ASSERT_TRUE(TakeBobsAnswer());
  EXPECT_EQ(alice().state(), State::kOffered);
  EXPECT_TRUE(alice().keys().empty());
  EXPECT_TRUE(alice().media().TakePlain().empty());
  world_.Pump();
  ExpectBob();
  MalloryTalks();
  EXPECT_TRUE(alice().media().TakePlain().empty());
  ASSERT_TRUE(world_.Round(alice(), bob())) << alice().failure().message;
  EXPECT_TRUE(alice().is_resumed());  // by Bob's ticket
}

// A ticket that Mallory gave opens nothing, although Bob's never came.
TEST_P(Early, TicketsOfWhoAnsweredFirstAreNotKept) {
  MalloryAnswers();
  ASSERT_EQ(alice().state(), State::kEarly);
  EXPECT_EQ(alice().exchange_deadline(), kNever);  // KEYS have come
  ASSERT_TRUE(TakeBobsAnswer());
  for (bool moved = true; moved;) {
    moved = false;
    for (Datagram& datagram : alice().TakeOut()) world_.Carry(datagram, kAlicesPort);
    for (Datagram& datagram : bob().TakeOut()) {
      moved = true;
      const auto type = static_cast<mikey::DataType>(datagram.octets[1]);
      if (type != mikey::DataType::kKeys) world_.Carry(datagram, kBobsPort);
    }
  }
  ASSERT_EQ(bob().state(), State::kUp);
  world_.Talk(bob(), 2);
  world_.Wait(alice(), [&] { alice().TakeOut(); });
  ASSERT_EQ(alice().state(), State::kUp) << alice().failure().message;
  ASSERT_TRUE(alice().Offer(world_.now_));
  EXPECT_FALSE(alice().is_resumed());
}

// CAP went to both; Bob's answer is the second to it, and waits for the next.
TEST_P(Early, TheSecondAnswerIsNotTaken) {
  const std::vector<Datagram> caps = alice().TakeOut();
  for (PeerCall* side : {&mallory_, &bob()}) {
    for (Datagram cap : caps) side->OnDatagram(kAlicesPort, cap.octets, world_.now_);
  }
  MalloryAnswers();
  const bool is_answered = alice().state() == State::kEarly;
  EXPECT_TRUE(is_answered);
  for (Datagram& answer : bob().TakeOut()) {
    alice().OnDatagram(kBobsPort, answer.octets, world_.now_);
  }
  EXPECT_EQ(bob().state(), State::kOffered);
  ASSERT_TRUE(TakeBobsAnswer());
  world_.Pump();
  ExpectBob();
}

// What is told while an answer is awaited counts for that answer.
TEST_P(Early, OnceTheFingerprintIsToldNoOtherIsTaken) {
  std::vector<Datagram> caps = alice().TakeOut();
  ASSERT_TRUE(TakeBobsAnswer());
  for (Datagram cap : caps) mallory_.OnDatagram(kAlicesPort, cap.octets, world_.now_);
  MalloryAnswers();
  EXPECT_EQ(alice().state(), State::kOffered);
  EXPECT_GE(alice().refused_messages(), 1u);
  for (Datagram& cap : caps) world_.Carry(cap, kAlicesPort);
  world_.Pump();
  ExpectBob();
  EXPECT_EQ(alice().media().early(), 0u);
}

// Who only answers, and confirms nothing, ends no call.
TEST_P(Early, WhoConfirmsNothingEndsNothing) {
  while (alice().state() == State::kOffered) {
    for (Datagram& datagram : alice().TakeOut()) {
      mallory_.OnDatagram(kAlicesPort, datagram.octets, world_.now_);
    }
    for (Datagram& datagram : mallory_.TakeOut()) {
      alice().OnDatagram(kBobsPort, datagram.octets, world_.now_);
    }
  }
  ASSERT_EQ(alice().state(), State::kEarly);
  world_.Wait(alice(), [&] { alice().TakeOut(); });
  EXPECT_EQ(alice().state(), State::kOffered) << alice().failure().message;
  EXPECT_TRUE(alice().keys().empty());
  ASSERT_TRUE(TakeBobsAnswer());
  world_.Pump();
  ExpectBob();
}

using EarlyRsa = Early;
INSTANTIATE_TEST_SUITE_P(Modes, EarlyRsa, testing::Values(Mode::kRsa));

// Nor does who sends an ERROR that the exchange's own key proves.
TEST_P(EarlyRsa, WhoSaysErrorEndsNothing) {
  const CallSetup setup = CertifiedSetup(false, kEd25519KeyPem, GetParam());
  PeerDirectory directory(kBobId, kAliceId, {});
  const sdp::Session told = *sdp::ReadSession(offer_);
  PeerDirectory::Expected expected;
  expected.told = told.keying;
  expected.profile = setup.policy.profiles[0];
  expected.sources = {{*told.streams[0].ssrc, Ssrc(0x77)}};
  expected.positions = [](size_t) { return PeerDirectory::Positions{}; };
  directory.Expect(expected);
  const crypto::Suite& suite = crypto::DefaultSuite();
  mikey::v2::Answerer answerer(suite, setup.policy, directory, 4, rng_, setup.credentials.get());
  Bytes out(mikey::v2::RoomOf(setup.policy));
  const Bytes cap = alice().TakeOut().at(0).octets;
  const auto answered = answerer.Receive(cap, AsBytes("there"), world_.now_, rng_, out);
  ASSERT_EQ(answered.event, mikey::v2::Answerer::Event::kAnswered);
  alice().OnDatagram(kBobsPort, MutableBytes(out).first(answered.reply), world_.now_);
  ASSERT_EQ(alice().state(), State::kEarly);
  const auto size = mikey::v2::WriteErrorToFinish(
      suite, answered.entry->exchange, mikey::ErrorNumber::kUnspecified, Bytes(32, 0x33), out);
  ASSERT_TRUE(size);
  alice().OnDatagram(kBobsPort, MutableBytes(out).first(*size), world_.now_);
  EXPECT_EQ(alice().state(), State::kOffered) << alice().failure().message;
  EXPECT_TRUE(alice().keys().empty());
  EXPECT_EQ(alice().exchange_deadline(), kNever);
  alice().TakeOut();
  ASSERT_TRUE(TakeBobsAnswer());
  world_.Pump();
  ExpectBob();
}

class EarlyExpired : public Early {
 protected:
  EarlyExpired() : Early(Past()) {}
  static crypto::CertificateRecipe Past() {
    crypto::CertificateRecipe recipe;
    recipe.until = -1;
    return recipe;
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, EarlyExpired, testing::Values(Mode::kDh));

// Of a certificate that is told nothing counts but its key (MIKEYv2 §5).
TEST_P(EarlyExpired, ACertificateThatIsPastWaitsForItsFingerprint) {
  world_.Pump();
  EXPECT_EQ(alice().state(), State::kOffered);
  EXPECT_EQ(alice().refused_messages(), 1u);
  ASSERT_TRUE(TakeBobsAnswer());
  world_.Wait(alice(), [&] { world_.Pump(); });
  ExpectBob();
}

}  // namespace
}  // namespace keymast::tools
