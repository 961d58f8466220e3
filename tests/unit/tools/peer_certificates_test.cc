// SPDX-License-Identifier: Apache-2.0
// Calls whose sides have certificates.
#include "peer_world.h"
#include "tests/data/ec_keys.h"
#include "tests/unit/crypto/make_certificate.h"

namespace keymast::tools {
namespace {

using enum sdp::Direction;
using mikey::v2::Mode;
using State = PeerCall::State;

constexpr std::string_view kP256KeyPem = keymast::testdata::kP256Key;
constexpr std::string_view kEd25519KeyPem = keymast::testdata::kEd25519Key;

// CertifiedSetup is a side with a key of its own and a certificate that nobody issued.
CallSetup CertifiedSetup(bool is_alice, std::string_view key, Mode mode) {
  crypto::CertificateRecipe recipe;
  recipe.key = key;
  recipe.signer = key;
  CallSetup setup = SetupOf(is_alice);
  setup.psk = {};
  setup.policy.modes.clear();
  setup.policy.modes.Add(static_cast<uint8_t>(mode));
  auto credentials = std::make_shared<mikey::v2::Credentials>();
  credentials->own.push_back({crypto::TestKey(key), {crypto::MakeCertificate(recipe)}});
  credentials->self = setup.self;
  setup.credentials = std::move(credentials);
  return setup;
}

std::unique_ptr<CallWorld> Certified(std::string_view alice, std::string_view bob, Mode mode) {
  auto world = std::make_unique<CallWorld>(CertifiedSetup(true, alice, mode),
                                           CertifiedSetup(false, bob, mode));
  world->AddStreams({kSendRecv});
  return world;
}

TEST(PeerCertificates, CertificatesByTheirFingerprints) {
  for (const auto mode : {Mode::kDh, Mode::kEarlyDh}) {
    for (const auto& [alice, bob] :
         {std::pair(kEd25519KeyPem, kP256KeyPem), std::pair(kP256KeyPem, kEd25519KeyPem)}) {
      const std::unique_ptr<CallWorld> world(Certified(alice, bob, mode));
      ASSERT_TRUE(world->Round(world->alice_, world->bob_)) << world->alice_.failure().message;
      EXPECT_EQ(world->alice_.state(), State::kUp) << world->alice_.failure().message;
      EXPECT_EQ(world->alice_.mode(), mode);
      world->TalkBoth(3);
      EXPECT_EQ(HeardBy(world->alice_) + HeardBy(world->bob_), "3/3 3/3 ");
      world->AddStreams({kSendOnly});
      ASSERT_TRUE(world->Round(world->bob_, world->alice_)) << world->bob_.failure().message;
      world->TalkBoth(3);
      EXPECT_EQ(HeardBy(world->bob_), "6/6 3/3 ");
      EXPECT_TRUE(world->alice_.is_resumed());
    }
  }
}

TEST(PeerCertificates, AnotherFingerprintIsFatal) {
  for (const bool in_offer : {true, false}) {
    const std::unique_ptr<CallWorld> world(Certified(kEd25519KeyPem, kP256KeyPem, Mode::kDh));
    std::string offer = *world->alice_.Offer(world->now_);
    if (in_offer) offer = Changed(offer, "a=fingerprint:sha-256");
    ASSERT_TRUE(world->bob_.TakeOffer(offer, world->now_)) << offer;
    std::string answer = *world->bob_.Answer(world->now_);
    if (!in_offer) answer = Changed(answer, "a=fingerprint:sha-256");
    ASSERT_TRUE(world->alice_.TakeAnswer(answer, world->now_));
    world->Pump();
    while (world->alice_.exchange_deadline() != kNever) {
      world->now_ = world->alice_.exchange_deadline();
      world->alice_.Tick(world->now_);
      world->Pump();
    }
    EXPECT_EQ(world->alice_.state(), State::kFailed) << in_offer;
    EXPECT_EQ(world->bob_.state(), State::kOffered) << in_offer;
    EXPECT_GE((in_offer ? world->bob_ : world->alice_).refused_messages(), 1u);
  }
}

TEST(PeerCertificates, ATicketStandsForOneCertificate) {
  for (const bool in_offer : {true, false}) {
    const auto world = Certified(kEd25519KeyPem, kP256KeyPem, Mode::kDh);
    ASSERT_TRUE(world->Round(world->alice_, world->bob_));
    std::string offer = *world->bob_.Offer(world->now_);
    if (in_offer) offer = Changed(offer, "a=fingerprint:sha-256");
    const auto taken = world->alice_.TakeOffer(offer, world->now_);
    EXPECT_EQ(taken.has_value(), !in_offer);
    if (!taken) {
      EXPECT_EQ(taken.error().message, "a=fingerprint: certificate_untrusted");
      continue;
    }
    const std::string answer = Changed(*world->alice_.Answer(world->now_), "a=fingerprint:sha-256");
    EXPECT_FALSE(world->bob_.TakeAnswer(answer, world->now_));
    EXPECT_TRUE(world->bob_.TakeOut().empty());
  }
}

TEST(PeerCertificates, ACertificateNeedsTheOthersFingerprint) {
  const std::unique_ptr<CallWorld> world(Certified(kEd25519KeyPem, kP256KeyPem, Mode::kDh));
  std::string offer = *world->alice_.Offer(world->now_);
  EXPECT_EQ(world->alice_.OpenEarly(kBobsPort, world->now_).error().error,
            Error::kFailedPrecondition);
  const size_t at = offer.find("a=fingerprint");
  offer.erase(at, offer.find('\n', at) + 1 - at);
  EXPECT_FALSE(world->bob_.TakeOffer(offer, world->now_));
  EXPECT_EQ(world->bob_.failure().message, "a=fingerprint: payload_missing");
}

// The fingerprint comes with the answer that it is needed for.
TEST(PeerCertificates, KeyManagementInTheSignallingPath) {
  for (const auto& [alice, bob] :
       {std::pair(kEd25519KeyPem, kP256KeyPem), std::pair(kP256KeyPem, kEd25519KeyPem)}) {
    CallSetup of_alice = CertifiedSetup(true, alice, Mode::kDh);
    of_alice.key_mgmt = true;
    CallWorld world(std::move(of_alice), CertifiedSetup(false, bob, Mode::kDh));
    world.AddStreams({kSendRecv});
    ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
    EXPECT_EQ(world.alice_.state(), State::kUp);
    EXPECT_EQ(world.bob_.state(), State::kUp);
    EXPECT_EQ(world.alice_.mode(), Mode::kDh);
    EXPECT_EQ(world.alice_.traffic(mikey::PortTraffic::kMikey), 1u);  // KEYS
    EXPECT_EQ(world.bob_.traffic(mikey::PortTraffic::kMikey), 1u);    // the finish
    world.TalkBoth(3);
    EXPECT_EQ(HeardBy(world.alice_) + HeardBy(world.bob_), "3/3 3/3 ");
    world.AddStreams({kSendOnly});
    ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
    EXPECT_TRUE(world.alice_.is_resumed());
    world.TalkBoth(3);
    EXPECT_EQ(HeardBy(world.bob_), "6/6 3/3 ");
  }
}

TEST(PeerCertificates, AnotherFingerprintBesideTheAnswerIsFatal) {
  for (const bool in_offer : {true, false}) {
    CallSetup of_alice = CertifiedSetup(true, kEd25519KeyPem, Mode::kDh);
    of_alice.key_mgmt = true;
    CallWorld world(std::move(of_alice), CertifiedSetup(false, kP256KeyPem, Mode::kDh));
    world.AddStreams({kSendRecv});
    std::string offer = *world.alice_.Offer(world.now_);
    if (in_offer) offer = Changed(offer, "a=fingerprint:sha-256");
    ASSERT_TRUE(world.bob_.TakeOffer(offer, world.now_));
    const auto answer = world.bob_.Answer(world.now_);
    ASSERT_EQ(answer.has_value(), !in_offer);
    if (in_offer) {
      EXPECT_EQ(answer.error().message, "a=key-mgmt:mikey: authentication_failed");
      continue;
    }
    const std::string changed = Changed(*answer, "a=fingerprint:sha-256");
    EXPECT_FALSE(world.alice_.TakeAnswer(changed, world.now_));
    EXPECT_EQ(world.alice_.failure().message, "a=key-mgmt:mikey: authentication_failed");
    EXPECT_TRUE(world.alice_.TakeOut().empty());
  }
}

// There is no RETRY in SDP that could bring FRESH.
TEST(PeerCertificates, NoEarlyDhInTheSignallingPath) {
  CallSetup of_alice = CertifiedSetup(true, kEd25519KeyPem, Mode::kEarlyDh);
  of_alice.key_mgmt = true;
  of_alice.policy.modes.Add(static_cast<uint8_t>(Mode::kDh));
  CallWorld world(of_alice, CertifiedSetup(false, kP256KeyPem, Mode::kDh));
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
  EXPECT_EQ(world.alice_.mode(), Mode::kDh);
  of_alice.policy.modes.clear();
  of_alice.policy.modes.Add(static_cast<uint8_t>(Mode::kEarlyDh));
  CallWorld other(of_alice, CertifiedSetup(false, kP256KeyPem, Mode::kEarlyDh));
  other.AddStreams({kSendRecv});
  EXPECT_FALSE(other.alice_.Offer(other.now_));
}

}  // namespace
}  // namespace keymast::tools
