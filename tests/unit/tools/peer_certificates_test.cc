// SPDX-License-Identifier: Apache-2.0
// Calls whose sides have certificates.
#include "peer_certified.h"

namespace keymast::tools {
namespace {

using enum sdp::Direction;
using mikey::v2::Mode;
using State = PeerCall::State;

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
    world->Wait(world->alice_, [&] { world->Pump(); });
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

// LongSetup takes FRAGMENTs, and may show its certificate with others behind it.
CallSetup LongSetup(bool is_alice, std::string_view key, Mode mode, size_t behind = 0) {
  CallSetup setup = CertifiedSetup(is_alice, key, mode);
  setup.policy.fragments = mikey::v2::kMaxFragments;
  if (behind == 0) return setup;
  auto credentials = std::make_shared<mikey::v2::Credentials>();
  mikey::v2::CertificateChain chain(1 + behind, setup.credentials->own[0].chain[0]);
  credentials->own.push_back({crypto::TestKey(key), std::move(chain)});
  credentials->self = setup.self;
  setup.credentials = std::move(credentials);
  return setup;
}

// RunOn ticks until nothing is awaited, with all datagrams carried.
void RunOn(CallWorld& world) {
  world.Wait(world.alice_, [&] { world.Pump(); });
}

TEST(PeerFragments, RsaCertificatesInEachMode) {
  for (const Mode mode : {Mode::kDh, Mode::kEarlyDh, Mode::kRsa}) {
    CallWorld world(LongSetup(true, kRsaKeyPem, mode), LongSetup(false, kRsaKeyPem, mode));
    world.AddStreams({kSendRecv, kSendOnly});
    ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
    EXPECT_EQ(world.alice_.state(), State::kUp);
    EXPECT_EQ(world.alice_.mode(), mode);
    EXPECT_EQ(world.alice_.exchange_deadline(), kNever);
    // More than RETRY, answer and KEYS.
    EXPECT_GT(world.alice_.traffic(mikey::PortTraffic::kMikey), 3u);
    world.TalkBoth(3);
    EXPECT_EQ(HeardBy(world.alice_) + HeardBy(world.bob_), "3/3 0/0 3/3 3/3 ");
    ASSERT_TRUE(world.Round(world.bob_, world.alice_)) << world.bob_.failure().message;
    EXPECT_TRUE(world.bob_.is_resumed());
  }
}

TEST(PeerFragments, ModeRsaNeedsARsaCertificateOfTheOffererAlone) {
  CallWorld world(LongSetup(true, kRsaKeyPem, Mode::kRsa),
                  LongSetup(false, kP256KeyPem, Mode::kRsa));
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
  world.TalkBoth(2);
  EXPECT_EQ(HeardBy(world.alice_) + HeardBy(world.bob_), "2/2 2/2 ");
  CallWorld other(LongSetup(true, kP256KeyPem, Mode::kRsa),
                  LongSetup(false, kRsaKeyPem, Mode::kRsa));
  other.AddStreams({kSendRecv});
  EXPECT_FALSE(other.alice_.Offer(other.now_));
}

TEST(PeerFragments, Chains) {
  for (const size_t behind : std::initializer_list<size_t>{1, 3}) {
    CallWorld world(LongSetup(true, kEd25519KeyPem, Mode::kDh, behind),
                    LongSetup(false, kRsaKeyPem, Mode::kDh, behind));
    world.AddStreams({kSendRecv});
    ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
    world.TalkBoth(2);
    EXPECT_EQ(HeardBy(world.alice_) + HeardBy(world.bob_), "2/2 2/2 ") << behind;
  }
}

TEST(PeerFragments, EachDatagramMayBeLost) {
  for (size_t lost = 0; lost < 12; ++lost) {
    CallWorld world(LongSetup(true, kRsaKeyPem, Mode::kRsa),
                    LongSetup(false, kRsaKeyPem, Mode::kRsa));
    world.lost_ = lost;
    world.AddStreams({kSendRecv});
    ASSERT_TRUE(world.Round(world.alice_, world.bob_));
    RunOn(world);
    EXPECT_EQ(world.alice_.state(), State::kUp) << lost;
    EXPECT_EQ(world.bob_.state(), State::kUp) << lost;
  }
}

// In SDP a message is one, however long it is (MIKEYv2 §3.6).
TEST(PeerFragments, NoneInTheSignallingPath) {
  for (const Mode mode : {Mode::kDh, Mode::kRsa}) {
    CallSetup alice = LongSetup(true, kRsaKeyPem, mode, 3);
    alice.key_mgmt = true;
    CallWorld world(std::move(alice), LongSetup(false, kRsaKeyPem, mode, 3));
    world.AddStreams({kSendRecv});
    ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
    EXPECT_EQ(world.alice_.mode(), mode);
    EXPECT_EQ(world.bob_.traffic(mikey::PortTraffic::kMikey), 1u);  // the finish
    world.TalkBoth(2);
    EXPECT_EQ(HeardBy(world.alice_) + HeardBy(world.bob_), "2/2 2/2 ");
  }
}

TEST(PeerFragments, WhoTakesNoneIsSentNone) {
  CallWorld world(LongSetup(true, kRsaKeyPem, Mode::kDh),
                  CertifiedSetup(false, kP256KeyPem, Mode::kDh));
  world.AddStreams({kSendRecv});
  EXPECT_FALSE(world.Round(world.alice_, world.bob_));
  EXPECT_EQ(world.alice_.failure().message, "CAP, and what the other side takes: too_long");
}

// What FRAGMENTs bring is held against the descriptions as what one datagram brings.
// Bob's ERROR is one datagram, in which his certificate has no room: Alice hears what she cannot
// verify (MIKEYv2 §2), and gives up by herself.
TEST(PeerFragments, CapabilitiesThatDifferAreFatal) {
  for (const bool in_offer : {true, false}) {
    CallWorld world(LongSetup(true, kRsaKeyPem, Mode::kEarlyDh),
                    LongSetup(false, kRsaKeyPem, Mode::kEarlyDh));
    world.AddStreams({kSendRecv});
    const auto with_seven = [](const std::string& text) {
      sdp::Session changed = *sdp::ReadSession(text);
      auto told = *mikey::v2::ReadCapabilities({1, changed.keying.capabilities});
      const uint8_t seven = 7;
      told.fragments = {&seven, 1};
      Bytes tlvs(512);
      tlvs.resize(*mikey::v2::WriteCapabilities(told, tlvs));
      changed.keying.capabilities = tlvs;
      return sdp::WriteSession(changed);
    };
    std::string offer = *world.alice_.Offer(world.now_);
    ASSERT_TRUE(world.bob_.TakeOffer(in_offer ? with_seven(offer) : offer, world.now_));
    std::string answer = *world.bob_.Answer(world.now_);
    ASSERT_TRUE(world.alice_.TakeAnswer(in_offer ? answer : with_seven(answer), world.now_));
    RunOn(world);
    EXPECT_EQ(world.alice_.state(), State::kFailed);
    EXPECT_EQ(world.alice_.failure().message,
              in_offer ? "no answer: unavailable"
                       : "the answer is not what its description told: policy_violation");
    EXPECT_EQ(world.bob_.state(), in_offer ? State::kFailed : State::kOffered);
  }
}

TEST(PeerFragments, TheOffererTakesNoneFromElsewhere) {
  CallWorld world(LongSetup(true, kRsaKeyPem, Mode::kDh), LongSetup(false, kRsaKeyPem, Mode::kDh));
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.bob_.TakeOffer(*world.alice_.Offer(world.now_), world.now_));
  ASSERT_TRUE(world.alice_.TakeAnswer(*world.bob_.Answer(world.now_), world.now_));
  const Endpoint elsewhere = *ParseEndpoint("127.0.0.1:7000");
  std::vector<Datagram> of_bob;
  for (int i = 0; i < 3; ++i) {
    for (Datagram& datagram : world.alice_.TakeOut()) world.Carry(datagram, kAlicesPort);
    of_bob = world.bob_.TakeOut();
    for (Datagram& datagram : of_bob) {
      world.alice_.OnDatagram(i == 0 ? kBobsPort : elsewhere, datagram.octets, world.now_);
    }
  }
  EXPECT_EQ(world.alice_.state(), State::kOffered);
  EXPECT_GE(world.alice_.refused_messages(), 2u);
}

}  // namespace
}  // namespace keymast::tools
