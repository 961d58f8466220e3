// SPDX-License-Identifier: Apache-2.0
#include "peer_world.h"

namespace keymast::tools {
namespace {

using enum sdp::Direction;
using State = PeerCall::State;

TEST(PeerCall, TwoSidesHearEachOther) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
  EXPECT_EQ(world.alice_.state(), State::kUp);
  EXPECT_EQ(world.bob_.state(), State::kUp);
  world.TalkBoth(10);
  EXPECT_EQ(HeardBy(world.alice_), "10/10 ");
  EXPECT_EQ(HeardBy(world.bob_), "10/10 ");
  EXPECT_EQ(world.alice_.mode(), mikey::v2::Mode::kEarlyDhhmac);
  EXPECT_EQ(world.bob_.media().TakePlain().size(), 10u);
  EXPECT_EQ(world.alice_.refused_messages(), 0u);
  EXPECT_EQ(world.alice_.exchange_deadline(), kNever);
}

// In the time between datagrams, for either role.
TEST(PeerCall, ValuesMadeAheadServeOneExchangeEach) {
  constexpr auto kGroup = crypto::DhGroup::kX25519;
  CallWorld world;
  world.AddStreams({kSendRecv});
  const auto fill = [&] {
    for (PeerCall* side : {&world.alice_, &world.bob_}) {
      while (side->MakeAhead()) EXPECT_LE(side->MadeAhead(kGroup), 2u);
      EXPECT_EQ(side->MadeAhead(kGroup), 2u);
      EXPECT_FALSE(side->HasRoomAhead());
    }
  };
  fill();
  ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
  ASSERT_EQ(world.alice_.mode(), mikey::v2::Mode::kEarlyDhhmac);
  EXPECT_EQ(world.alice_.MadeAhead(kGroup), 0u) << "of the description, and of CAP";
  EXPECT_EQ(world.bob_.MadeAhead(kGroup), 1u);
  fill();
  // Resumed, which agrees on no key again.
  ASSERT_TRUE(world.Round(world.bob_, world.alice_)) << world.bob_.failure().message;
  EXPECT_EQ(world.alice_.MadeAhead(kGroup), 2u);
  EXPECT_EQ(world.bob_.MadeAhead(kGroup), 2u);
  // At the end they are wiped, and no others are made.
  world.alice_.Leave(world.now_);
  EXPECT_FALSE(world.bob_.TakeOffer("v=0", world.now_));
  ASSERT_EQ(world.bob_.state(), State::kFailed);
  for (PeerCall* side : {&world.alice_, &world.bob_}) {
    EXPECT_EQ(side->MadeAhead(kGroup), 0u);
    EXPECT_FALSE(side->MakeAhead());
  }
}

TEST(PeerCall, ValuesAreMadeAheadOnlyForModesThatNeedThem) {
  CallSetup alice = SetupOf(true);
  alice.policy.modes.clear();
  alice.policy.modes.Add(static_cast<uint8_t>(mikey::v2::Mode::kPsk));
  CallWorld world(std::move(alice));
  EXPECT_FALSE(world.alice_.MakeAhead());
}

TEST(PeerCall, SeveralStreamsEachWithItsDirectionAndKeys) {
  CallWorld world;
  world.AddStreams({kSendRecv, kSendOnly, kRecvOnly, kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
  world.TalkBoth(5);
  EXPECT_EQ(HeardBy(world.alice_), "5/5 0/0 5/5 5/5 ");
  EXPECT_EQ(HeardBy(world.bob_), "5/5 5/5 0/0 5/5 ");
  ASSERT_EQ(world.alice_.keys().size(), 6u);
  std::set<std::string> all;
  for (const StreamKey& key : world.alice_.keys()) all.insert(ToHex(key.key.master_key.view()));
  EXPECT_EQ(all.size(), 6u);
}

TEST(PeerCall, EachModeAndProfile) {
  for (const uint8_t mode : std::initializer_list<uint8_t>{1, 4, 6}) {
    for (const uint16_t profile : std::initializer_list<uint16_t>{1, 2, 7, 8}) {
      CallSetup alice = SetupOf(true);
      alice.policy.modes.clear();
      alice.policy.modes.Add(mode);
      alice.policy.profiles.clear();
      alice.policy.profiles.Add(profile);
      CallWorld world(std::move(alice));
      world.AddStreams({kSendRecv});
      ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
      world.TalkBoth(2);
      EXPECT_EQ(HeardBy(world.alice_) + HeardBy(world.bob_), "2/2 2/2 ") << mode << profile;
    }
  }
}

// CAP, answer, finish, KEYS.
TEST(PeerCall, EveryMessageMayBeLost) {
  for (size_t lost = 0; lost < 4; ++lost) {
    CallWorld world;
    world.lost_ = lost;
    world.AddStreams({kSendRecv});
    ASSERT_TRUE(world.Round(world.alice_, world.bob_));
    EXPECT_NE(world.alice_.exchange_deadline(), kNever) << lost;
    world.now_ = world.alice_.exchange_deadline();
    world.alice_.Tick(world.now_);
    world.Pump();
    EXPECT_EQ(world.alice_.state(), State::kUp) << lost;
    EXPECT_EQ(world.bob_.state(), State::kUp) << lost;
    EXPECT_EQ(world.alice_.exchange_deadline(), kNever) << lost;
  }
}

TEST(PeerCall, NobodyAnswers) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.bob_.TakeOffer(*world.alice_.Offer(world.now_), world.now_));
  ASSERT_TRUE(world.alice_.TakeAnswer(*world.bob_.Answer(world.now_), world.now_));
  world.Wait(world.alice_, [] {});
  EXPECT_EQ(world.alice_.TakeOut().size(), 4u);
  EXPECT_EQ(world.alice_.state(), State::kFailed);
  EXPECT_EQ(world.alice_.failure().message, "no answer: unavailable");
}

TEST(PeerCall, KeysAreNotNeededWhereMediaAuthenticates) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.bob_.TakeOffer(*world.alice_.Offer(world.now_), world.now_));
  ASSERT_TRUE(world.alice_.TakeAnswer(*world.bob_.Answer(world.now_), world.now_));
  const auto carry = [&](PeerCall& from, const Endpoint& port) {
    for (Datagram& datagram : from.TakeOut()) world.Carry(datagram, port);
  };
  carry(world.alice_, kAlicesPort);
  carry(world.bob_, kBobsPort);
  carry(world.alice_, kAlicesPort);
  world.bob_.TakeOut();  // KEYS
  world.Talk(world.bob_, 1);
  world.Wait(world.alice_, [&] { world.alice_.TakeOut(); });
  EXPECT_EQ(world.alice_.state(), State::kUp);
}

TEST(PeerCall, EarlyMediaIsHeldUntilTheAnswer) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.bob_.TakeOffer(*world.alice_.Offer(world.now_), world.now_));
  ASSERT_TRUE(world.alice_.OpenEarly(kBobsPort, world.now_));
  world.Pump();
  EXPECT_EQ(world.alice_.state(), State::kEarly);
  EXPECT_EQ(world.bob_.state(), State::kUp);
  world.TalkBoth(3);
  EXPECT_EQ(HeardBy(world.bob_), "3/3 ");  // who knows whose media it is
  EXPECT_EQ(world.alice_.media().early(), 3u);
  EXPECT_TRUE(world.alice_.media().TakePlain().empty());
  ASSERT_TRUE(world.alice_.TakeAnswer(*world.bob_.Answer(world.now_), world.now_));
  EXPECT_EQ(world.alice_.state(), State::kUp);
  EXPECT_EQ(world.alice_.media().TakePlain().size(), 3u);
  world.TalkBoth(2);
  EXPECT_EQ(HeardBy(world.alice_), "5/5 ");
  EXPECT_EQ(world.alice_.media().TakePlain().size(), 2u);
}

// Either side may be started first.
TEST(PeerCall, WhoIsCalledEarlyMayComeLater) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  const auto offer = world.alice_.Offer(world.now_);
  ASSERT_TRUE(world.alice_.OpenEarly(kBobsPort, world.now_));
  while (world.alice_.exchange_deadline() != kNever) {
    world.Pump();  // Bob has no offer yet
    world.now_ = world.alice_.exchange_deadline();
    world.alice_.Tick(world.now_);
  }
  EXPECT_EQ(world.alice_.state(), State::kOffered);
  ASSERT_TRUE(world.bob_.TakeOffer(*offer, world.now_));
  ASSERT_TRUE(world.alice_.TakeAnswer(*world.bob_.Answer(world.now_), world.now_));
  world.Pump();
  EXPECT_EQ(world.alice_.state(), State::kUp) << world.alice_.failure().message;
  EXPECT_EQ(world.bob_.state(), State::kUp);
  world.TalkBoth(2);
  EXPECT_EQ(HeardBy(world.alice_) + HeardBy(world.bob_), "2/2 2/2 ");
}

// Bob's description may come when the last CAP, which he could not take yet, is on its way.
TEST(PeerCall, WhoIsCalledEarlyMayAnswerBetweenTheLastCapAndItsEnd) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  const auto offer = world.alice_.Offer(world.now_);
  ASSERT_TRUE(world.alice_.OpenEarly(kBobsPort, world.now_));
  for (int i = 0; i < 3; ++i) {
    world.Pump();
    world.now_ = world.alice_.exchange_deadline();
    world.alice_.Tick(world.now_);
  }
  world.Pump();
  ASSERT_TRUE(world.bob_.TakeOffer(*offer, world.now_));
  ASSERT_TRUE(world.alice_.TakeAnswer(*world.bob_.Answer(world.now_), world.now_));
  world.Pump();
  EXPECT_NE(world.alice_.state(), State::kUp);
  world.now_ = world.alice_.exchange_deadline();
  world.alice_.Tick(world.now_);
  world.Pump();
  EXPECT_EQ(world.alice_.state(), State::kUp) << world.alice_.failure().message;
  EXPECT_EQ(world.bob_.state(), State::kUp);
}

// A file that was left over names another session: nothing is sent to where it points.
TEST(PeerCall, AnAnswerToAnotherOfferIsNotTaken) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.bob_.TakeOffer(*world.alice_.Offer(world.now_), world.now_));
  const std::string answer = Changed(*world.bob_.Answer(world.now_), "a=mikeyv2-id:");
  EXPECT_FALSE(world.alice_.TakeAnswer(answer, world.now_));
  EXPECT_EQ(world.alice_.failure().message, "an answer to another offer: policy_violation");
  EXPECT_TRUE(world.alice_.TakeOut().empty());
}

TEST(PeerCall, AProvisionalAnswerThatIsNotTheDescriptionsBeginsAnew) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.bob_.TakeOffer(*world.alice_.Offer(world.now_), world.now_));
  ASSERT_TRUE(world.alice_.OpenEarly(kBobsPort, world.now_));
  world.Pump();
  world.Talk(world.bob_, 3);
  const std::string answer = Changed(*world.bob_.Answer(world.now_), "a=mikeyv2-cap:");
  const std::string first = ToHex(world.alice_.keys()[0].key.master_key.view());
  const auto taken = world.alice_.TakeAnswer(answer, world.now_);
  ASSERT_TRUE(taken);  // what was changed can be read
  EXPECT_EQ(world.alice_.state(), State::kOffered);
  EXPECT_TRUE(world.alice_.keys().empty());
  EXPECT_TRUE(world.alice_.media().TakePlain().empty());  // what was held is gone
  world.Pump();
  EXPECT_EQ(world.alice_.state(), State::kFailed);  // the same answer, to another CAP
  EXPECT_EQ(world.alice_.failure().error, Error::kPolicyViolation);
}

TEST(PeerCall, KeyManagementInTheSignallingPath) {
  CallSetup alice = SetupOf(true);
  alice.key_mgmt = true;
  CallWorld world(std::move(alice));
  world.AddStreams({kSendRecv, kSendOnly});
  const auto offer = world.alice_.Offer(world.now_);
  EXPECT_NE(offer->find("a=key-mgmt:mikey "), std::string::npos);
  EXPECT_EQ(offer->find("a=mikeyv2-cap"), std::string::npos);
  EXPECT_EQ(world.alice_.exchange_deadline(), kNever);
  EXPECT_FALSE(world.alice_.OpenEarly(kBobsPort, world.now_));
  ASSERT_TRUE(world.bob_.TakeOffer(*offer, world.now_)) << world.bob_.failure().message;
  const auto answer = world.bob_.Answer(world.now_);
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_TRUE(world.alice_.TakeAnswer(*answer, world.now_)) << world.alice_.failure().message;
  EXPECT_EQ(world.alice_.state(), State::kUp);
  world.Pump();  // finish and KEYS
  EXPECT_EQ(world.bob_.state(), State::kUp);
  EXPECT_EQ(world.alice_.exchange_deadline(), kNever);
  EXPECT_EQ(world.alice_.traffic(mikey::PortTraffic::kMikey), 1u);
  EXPECT_EQ(world.bob_.traffic(mikey::PortTraffic::kMikey), 1u);
  world.TalkBoth(4);
  EXPECT_EQ(HeardBy(world.alice_), "4/4 0/0 ");
  EXPECT_EQ(HeardBy(world.bob_), "4/4 4/4 ");
}

// RFC 4567: who takes a better protocol off the list is found out by EXT 1.
TEST(PeerCall, AListThatWasChangedOnItsWayIsFatal) {
  CallSetup alice = SetupOf(true);
  alice.key_mgmt = true;
  CallWorld world(std::move(alice));
  world.AddStreams({kSendRecv});
  std::string offer = *world.alice_.Offer(world.now_);
  const size_t at = offer.find("a=key-mgmt");
  offer.insert(at, "a=key-mgmt:other eA==\r\n");
  ASSERT_TRUE(world.bob_.TakeOffer(offer, world.now_));
  EXPECT_FALSE(world.bob_.Answer(world.now_));
  EXPECT_EQ(world.bob_.failure().error, Error::kPolicyViolation);
}

TEST(PeerCall, AStreamThatIsNotWantedIsRefusedAlone) {
  CallWorld world;
  world.alice_.media().Add(kSendRecv, ToneCodecs()[0]);
  world.alice_.media().Add(kSendRecv, ToneCodecs()[0]);
  world.bob_.media().Add(kRecvOnly, ToneCodecs()[0]);
  ASSERT_TRUE(world.Round(world.alice_, world.bob_)) << world.alice_.failure().message;
  world.TalkBoth(2);
  EXPECT_EQ(HeardBy(world.bob_), "2/2 0/0 ");
  EXPECT_EQ(HeardBy(world.alice_), "0/0 0/0 ");
  EXPECT_EQ(world.alice_.SendRtp(1, Bytes(20, 0x80), world.now_).error(), Error::kPolicyViolation);
  ASSERT_TRUE(world.Round(world.bob_, world.alice_)) << world.bob_.failure().message;
}

// RFC 9143 §7.2, RFC 8858 §4.2: one port is that of one m= line in a first offer.
TEST(PeerCall, AFirstOfferHasItsPortOnce) {
  CallWorld world;
  world.AddStreams({kSendRecv, kSendRecv});
  const std::string offer = *world.alice_.Offer(world.now_);
  EXPECT_NE(offer.find("m=audio 5000 "), std::string::npos);
  EXPECT_EQ(offer.find("m=audio 5000 "), offer.rfind("m=audio 5000 "));
  EXPECT_NE(offer.find("a=bundle-only\r\n"), std::string::npos);
  EXPECT_NE(offer.find("a=rtcp-mux-only\r\n"), std::string::npos);
  ASSERT_TRUE(world.bob_.TakeOffer(offer, world.now_)) << world.bob_.failure().message;
  const std::string answer = *world.bob_.Answer(world.now_);
  EXPECT_EQ(answer.find("-only\r\n"), std::string::npos);
  EXPECT_NE(answer.find("a=group:BUNDLE 1 2\r\n"), std::string::npos);
  ASSERT_TRUE(world.alice_.TakeAnswer(answer, world.now_)) << world.alice_.failure().message;
  world.Pump();
  world.TalkBoth(2);
  EXPECT_EQ(HeardBy(world.bob_) + HeardBy(world.alice_), "2/2 2/2 2/2 2/2 ");
}

TEST(PeerCall, WhatHasNoMuxIsRefused) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  const std::string offer =
      With(With(*world.alice_.Offer(world.now_), "a=rtcp-mux-only\r\n", ""), "a=rtcp-mux\r\n", "");
  ASSERT_TRUE(world.bob_.TakeOffer(offer, world.now_));
  const std::string answer = *world.bob_.Answer(world.now_);
  EXPECT_NE(answer.find("m=audio 0 "), std::string::npos);
  EXPECT_EQ(answer.find("rtcp-mux"), std::string::npos);
  EXPECT_EQ(answer.find("BUNDLE"), std::string::npos);
}

TEST(PeerCall, AnAnswerWithoutMuxEndsTheCall) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.bob_.TakeOffer(*world.alice_.Offer(world.now_), world.now_));
  const std::string answer = With(*world.bob_.Answer(world.now_), "a=rtcp-mux\r\n", "");
  EXPECT_FALSE(world.alice_.TakeAnswer(answer, world.now_));
  EXPECT_EQ(world.alice_.failure().error, Error::kPolicyViolation);
}

// Who offers streams at ports of their own, as a bundle, hears all of it at the first.
TEST(PeerCall, ABundleIsSentToTheAddressOfItsFirstStream) {
  CallWorld world;
  world.AddStreams({kSendRecv, kSendRecv});
  std::string offer = With(*world.alice_.Offer(world.now_), "a=bundle-only\r\n", "");
  offer = With(offer, "m=audio 0 ", "m=audio 5002 ");
  ASSERT_TRUE(world.bob_.TakeOffer(offer, world.now_)) << world.bob_.failure().message;
  EXPECT_EQ(world.bob_.media().streams()[1].to, kAlicesPort);
  CallWorld apart;
  apart.AddStreams({kSendRecv, kSendRecv});
  offer = With(*apart.alice_.Offer(apart.now_), "a=bundle-only\r\n", "");
  offer = With(With(offer, "m=audio 0 ", "m=audio 5002 "), "a=group:BUNDLE 1 2\r\n", "");
  ASSERT_TRUE(apart.bob_.TakeOffer(offer, apart.now_)) << apart.bob_.failure().message;
  EXPECT_FALSE(apart.bob_.media().streams()[1].sends) << "one port takes one stream";
  EXPECT_NE(apart.bob_.Answer(apart.now_)->find("m=audio 0 "), std::string::npos);
}

// RFC 5761 §4.
TEST(PeerCall, APayloadTypeThatLooksLikeRtcpIsNotUsed) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  const std::string offer =
      With(With(*world.alice_.Offer(world.now_), "RTP/SAVP 0", "RTP/SAVP 72"), "map:0 ", "map:72 ");
  ASSERT_TRUE(world.bob_.TakeOffer(offer, world.now_));
  EXPECT_NE(world.bob_.Answer(world.now_)->find("m=audio 0 "), std::string::npos);
}

// RFC 3264 §6: what is no RTP is refused alone.
TEST(PeerCall, OtherKindsOfStreamsAreRefused) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  const std::string offer = *world.alice_.Offer(world.now_) +
                            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                            "c=IN IP4 127.0.0.1\r\n"
                            "m=image 0 udptl t38\r\n";
  ASSERT_TRUE(world.bob_.TakeOffer(offer, world.now_)) << world.bob_.failure().message;
  const std::string answer = *world.bob_.Answer(world.now_);
  EXPECT_NE(answer.find("m=audio 6000 "), std::string::npos);
  EXPECT_NE(answer.find("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"), std::string::npos);
  EXPECT_NE(answer.find("m=image 0 udptl t38\r\n"), std::string::npos);
}

// RFC 5576 §6.1, RFC 3264 §6.
TEST(PeerCall, DescriptionsSayTheNameOfTheSourceAndTheOffersTime) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  const std::string offer =
      With(*world.alice_.Offer(world.now_), "t=0 0", "t=3034423619 3042462419");
  EXPECT_NE(offer.find(" cname:" + world.alice_.rtcp().cname() + "\r\n"), std::string::npos);
  ASSERT_TRUE(world.bob_.TakeOffer(offer, world.now_));
  const std::string answer = *world.bob_.Answer(world.now_);
  EXPECT_NE(answer.find("t=3034423619 3042462419\r\n"), std::string::npos);
  EXPECT_NE(answer.find(" cname:" + world.bob_.rtcp().cname() + "\r\n"), std::string::npos);
}

// RFC 3264 §8.3.3: another media type in a later offer is refused, and no more.
TEST(PeerCall, AStreamMayBecomeOneOfAnotherKind) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  const std::string offer = With(*world.alice_.Offer(world.now_), "m=audio", "m=text");
  ASSERT_TRUE(world.bob_.TakeOffer(offer, world.now_)) << world.bob_.failure().message;
  EXPECT_NE(world.bob_.Answer(world.now_)->find("m=text 0 "), std::string::npos);
}

TEST(PeerCall, NoFormatInCommon) {
  CallWorld world;
  world.alice_.media().Add(kSendRecv, ToneCodecs()[0]);
  world.bob_.media().Add(kSendRecv, ToneCodecs()[1]);
  EXPECT_FALSE(world.Round(world.alice_, world.bob_));
  EXPECT_EQ(world.alice_.failure().message, "all streams are refused: unsupported_policy");
}

TEST(PeerCall, WhatDiffersBetweenDescriptionAndDatagramIsFatal) {
  for (const bool in_offer : {true, false}) {
    for (const std::string_view attribute : {"a=mikeyv2-id:", "a=mikeyv2-cap:"}) {
      CallWorld world;
      world.AddStreams({kSendRecv});
      std::string offer = *world.alice_.Offer(world.now_);
      if (in_offer) offer = Changed(offer, attribute);
      if (!world.bob_.TakeOffer(offer, world.now_)) continue;  // cannot even be read
      std::string answer = *world.bob_.Answer(world.now_);
      if (!in_offer) answer = Changed(answer, attribute);
      if (!world.alice_.TakeAnswer(answer, world.now_)) continue;
      world.Pump();
      world.Wait(world.alice_, [&] { world.Pump(); });
      EXPECT_EQ(world.alice_.state(), State::kFailed) << in_offer << attribute;
      EXPECT_NE(world.bob_.state(), State::kUp) << in_offer << attribute;
      world.bob_.media().streams()[0].sends = true;
      EXPECT_EQ(world.bob_.SendRtp(0, Bytes(20, 0x80), world.now_).error(), Error::kUnknownKey);
    }
  }
}

// A preference that somebody on the way took out of both: the CAP that comes has it.
TEST(PeerCall, CapabilitiesTakenOutOfAnOfferAreFatal) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  std::string offer = *world.alice_.Offer(world.now_);
  const auto read = sdp::ReadSession(offer);
  sdp::Session changed = *read;
  changed.keying.capabilities.clear();
  const auto told = mikey::v2::ReadCapabilities({1, read->keying.capabilities});
  mikey::v2::Capabilities fewer = *told;
  const uint8_t psk[] = {1};
  fewer.modes = psk;
  fewer.groups = {};
  Bytes tlvs(512);
  tlvs.resize(*mikey::v2::WriteCapabilities(fewer, tlvs));
  changed.keying.capabilities = tlvs;
  ASSERT_TRUE(world.bob_.TakeOffer(sdp::WriteSession(changed), world.now_));
  ASSERT_TRUE(world.alice_.TakeAnswer(*world.bob_.Answer(world.now_), world.now_));
  world.Pump();
  EXPECT_EQ(world.bob_.state(), State::kFailed);
  EXPECT_EQ(world.alice_.state(), State::kFailed);
  EXPECT_EQ(world.alice_.failure().message, "the other side says error 12: policy_violation");
}

TEST(PeerCall, AFingerprintWantsACertificate) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  std::string offer = *world.alice_.Offer(world.now_);
  std::string line = "a=fingerprint:sha-256 ";
  for (int i = 0; i < 32; ++i) line += i == 0 ? "AB" : ":AB";
  std::string marked = offer;
  marked.insert(marked.find("a=mikeyv2-id"), line + "\r\n");
  EXPECT_FALSE(world.bob_.TakeOffer(marked, world.now_));
  EXPECT_EQ(world.bob_.failure().error, Error::kCertificateUntrusted);
}

TEST(PeerCall, AnotherKeyOpensNothing) {
  CallSetup bob = SetupOf(false);
  bob.psk = crypto::SecretKey<mikey::kMaxSharedKey>(Bytes(32, 0x6c));
  CallWorld world(SetupOf(true), std::move(bob));
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  EXPECT_EQ(world.bob_.state(), State::kOffered);
  EXPECT_EQ(world.bob_.refused_messages(), 1u);
  EXPECT_EQ(world.alice_.state(), State::kOffered);
}

TEST(PeerCall, OtherThingsOnThePortAreCounted) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  const auto give = [&](Bytes octets) {
    octets.resize(40);
    world.bob_.OnDatagram(kAlicesPort, octets, world.now_);
  };
  give({22, 254, 253});                        // DTLS
  give({0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42});  // STUN
  give({2, 241});                              // no MIKEY
  give({0x80, 0});                             // RTP of nobody
  give({0x80, 200});                           // RTCP of nobody
  give({1});
  give({64});
  EXPECT_EQ(world.bob_.traffic(mikey::PortTraffic::kDtls), 1u);
  EXPECT_EQ(world.bob_.traffic(mikey::PortTraffic::kStun), 1u);
  EXPECT_EQ(world.bob_.traffic(mikey::PortTraffic::kOther), 2u);
  EXPECT_EQ(world.bob_.refused_messages(), 1u);
  EXPECT_EQ(world.bob_.media().refused(), 2u);
  EXPECT_TRUE(world.bob_.TakeOut().empty());
  world.TalkBoth(2);
  EXPECT_EQ(HeardBy(world.bob_), "2/2 ");
}

TEST(PeerCall, ForgedMediaIsRefused) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  ASSERT_TRUE(world.Round(world.alice_, world.bob_));
  CallStream& stream = world.alice_.media().streams()[0];
  const Tone tone(*stream.codec, stream.sender.ssrc());
  Bytes packet(kMaxMediaPacket);
  packet.resize(tone.Packet(0, 0, 0, packet));
  ASSERT_TRUE(world.alice_.SendRtp(0, packet, world.now_));
  Datagram sent = world.alice_.TakeOut()[0];
  EXPECT_FALSE(Equal(ByteView(sent.octets).subspan(12, 100), ByteView(packet).subspan(12, 100)));
  Bytes forged = sent.octets;
  forged[20] ^= 1;
  world.bob_.OnDatagram(kAlicesPort, forged, world.now_);
  EXPECT_EQ(HeardBy(world.bob_), "0/0 ");
  Bytes again = sent.octets;
  world.bob_.OnDatagram(kAlicesPort, sent.octets, world.now_);
  world.bob_.OnDatagram(kAlicesPort, again, world.now_);  // a replay
  EXPECT_EQ(HeardBy(world.bob_), "1/1 ");
  EXPECT_EQ(world.bob_.media().refused(), 2u);
}

// RTP in clear beside it is refused, and is no stream of the exchange (MIKEYv2 §12).
TEST(PeerCall, StreamsInClearAreNotCounted) {
  CallWorld world;
  world.AddStreams({kSendRecv});
  const std::string offer = *world.alice_.Offer(world.now_);
  const std::string clear = "m=audio 5002 RTP/AVP 0\r\nc=IN IP4 127.0.0.1\r\n";
  ASSERT_TRUE(world.bob_.TakeOffer(offer + clear, world.now_)) << world.bob_.failure().message;
  EXPECT_NE(world.bob_.Answer(world.now_)->find("m=audio 0 RTP/AVP 0\r\n"), std::string::npos);
}

}  // namespace
}  // namespace keymast::tools
