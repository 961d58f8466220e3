// SPDX-License-Identifier: Apache-2.0
#include "sdp/binding.h"

#include "sdp/base64.h"
#include "tests/unit/mikey/v2_world.h"

namespace keymast::sdp {
namespace {

using mikey::v2::Wish;
using mikey::v2::World;

const Bytes kSession(32, 0x31);

Wish InSession(const World& world) {
  Wish wish = world.Session();
  wish.session = kSession;
  return wish;
}

Keying Told(const Bytes& message) {
  Keying told;
  told.session = Octets<kMaxSessionId>(kSession);
  told.capabilities = BoundTlvs(message).value_or(Bytes());
  return told;
}

TEST(Binding, WhatCameIsWhatWasTold) {
  World world;
  const Bytes cap = world.Open(InSession(world));
  EXPECT_TRUE(CheckBound(Told(cap), cap));
  const Bytes answer = world.ToAnswerer(cap);
  EXPECT_TRUE(CheckBound(Told(answer), answer));
  EXPECT_EQ(CheckBound(Told(cap), answer).error(), Error::kPolicyViolation);
  EXPECT_TRUE(Equal(*SessionIn(answer), kSession));
}

TEST(Binding, ACookieIsNoneOfIt) {
  World world;
  const Bytes cap = world.Open(InSession(world));
  world.answerer_.set_under_load(true);
  const Bytes again = world.ToOfferer(world.ToAnswerer(cap));
  ASSERT_NE(cap, again);
  EXPECT_TRUE(CheckBound(Told(cap), again));
}

TEST(Binding, EveryOctetOfTheToldCapabilitiesCounts) {
  World world;
  const Bytes cap = world.Open(InSession(world));
  const Keying good = Told(cap);
  for (size_t i = 0; i < good.capabilities.size(); ++i) {
    Keying other = good;
    other.capabilities[i] ^= 1;
    EXPECT_EQ(CheckBound(other, cap).error(), Error::kPolicyViolation) << i;
  }
  Keying none = good;
  none.capabilities.clear();
  EXPECT_FALSE(CheckBound(none, cap));
  none.message = cap;  // RFC 4567: the message itself is there
  EXPECT_TRUE(CheckBound(none, cap));
}

TEST(Binding, AnotherSessionOrNone) {
  World world;
  const Bytes cap = world.Open(InSession(world));
  Keying other = Told(cap);
  other.session = Octets<kMaxSessionId>(Bytes(32, 0x32));
  EXPECT_EQ(CheckBound(other, cap).error(), Error::kPolicyViolation);
  World without;
  const Bytes silent = without.Open(without.Session());
  EXPECT_EQ(CheckBound(Told(silent), silent).error(), Error::kPolicyViolation);
  Keying nothing = Told(silent);
  nothing.session = {};
  EXPECT_EQ(CheckBound(nothing, silent).error(), Error::kPolicyViolation);
}

TEST(Binding, UnknownTlvsAreBoundToo) {
  World world;
  Bytes cap = world.Open(InSession(world));
  mikey::Message message;
  ASSERT_TRUE(mikey::ParseMessage(cap, message));
  const Bytes longer = [&] {
    const auto* read = message.Get<mikey::CapPayload>();
    Bytes tlvs(read->tlvs.begin(), read->tlvs.end());
    tlvs.insert(tlvs.end(), {200, 0, 1, 9});
    mikey::Header header = message.header;
    Bytes out(mikey::v2::kMaxOneDatagram);
    mikey::ChainWriter chain(out, header);
    chain.Add(mikey::CapPayload{1, tlvs});
    out.resize(chain.size());
    return out;
  }();
  EXPECT_EQ(CheckBound(Told(cap), longer).error(), Error::kPolicyViolation);
  EXPECT_TRUE(CheckBound(Told(longer), longer));
}

TEST(Binding, MessagesWithoutCapabilities) {
  World world;
  const Bytes finish = world.ToOfferer(world.ToAnswerer(world.Open(InSession(world))));
  EXPECT_EQ(BoundTlvs(finish).error(), Error::kPayloadMissing);
  EXPECT_FALSE(SessionIn(Bytes{1, 2, 3}));
  for (size_t length = 0; length < finish.size(); ++length) {
    EXPECT_FALSE(CheckBound(Keying(), ByteView(finish).first(length)));
  }
}

TEST(Binding, AFingerprintWantsItsCertificate) {
  Keying told;
  EXPECT_TRUE(CheckFingerprint(told, std::nullopt));
  told.fingerprint = Fingerprint{1, 2, 3};
  EXPECT_EQ(CheckFingerprint(told, std::nullopt).error(), Error::kCertificateUntrusted);
  EXPECT_FALSE(CheckFingerprint(told, Fingerprint{1, 2, 4}));
  EXPECT_TRUE(CheckFingerprint(told, Fingerprint{1, 2, 3}));
}

TEST(Binding, ProtocolsThatWereOffered) {
  World world;
  Wish wish = InSession(world);
  wish.sdp_ids = AsBytes("other;mikey");
  const Bytes cap = world.Open(wish);
  Keying offer;
  offer.protocols = "other;mikey";
  EXPECT_TRUE(CheckProtocols(offer, cap));
  offer.protocols = "mikey";
  EXPECT_EQ(CheckProtocols(offer, cap).error(), Error::kPolicyViolation);
  World silent;
  EXPECT_FALSE(CheckProtocols(offer, silent.Open(InSession(silent))));
}

}  // namespace
}  // namespace keymast::sdp
