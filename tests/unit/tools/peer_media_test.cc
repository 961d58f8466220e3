// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_media.h"

#include <gtest/gtest.h>

#include "tools/peer_choice.h"

namespace keymast::tools {
namespace {

TEST(PeerTone, ATimestampHasOnePayload) {
  for (const ToneCodec& codec : ToneCodecs()) {
    const Tone tone(codec, Ssrc(21));
    Bytes packet(kMaxMediaPacket);
    packet.resize(tone.Packet(codec.payload_type, 7, 4'294'967'290u, packet));
    ASSERT_EQ(packet.size(), kRtpHeader + codec.frame_octets());
    EXPECT_EQ(ToHex(ByteView(packet).first(4)), "80" + ToHex(Bytes{codec.payload_type}) + "0007");
    const ByteView payload = ByteView(packet).subspan(kRtpHeader);
    EXPECT_TRUE(tone.IsIt(4'294'967'290u, payload));
    EXPECT_FALSE(tone.IsIt(4'294'967'291u, payload));
    EXPECT_FALSE(tone.IsIt(4'294'967'290u, payload.first(payload.size() - 1)));
    EXPECT_FALSE(Tone(codec, Ssrc(22)).IsIt(4'294'967'290u, payload));
    Bytes changed(payload.begin(), payload.end());
    changed.back() ^= 1;
    EXPECT_FALSE(tone.IsIt(4'294'967'290u, changed));
  }
}

// ITU-T G.711, table 2a: the ends of the scale and its middle.
TEST(PeerTone, UlawOfSilenceIsFf) {
  const Tone tone(ToneCodecs()[0], Ssrc(16));
  Bytes packet(kMaxMediaPacket);
  tone.Packet(0, 0, 0, packet);
  EXPECT_EQ(packet[kRtpHeader], 0xff);  // the sine begins at 0
}

// MIKEYv2 §9: exactly these.
TEST(PeerSrtp, PolicyParametersOfEachProfile) {
  EXPECT_EQ(ToHex(PolicyParams(SrtpProfile::kAesCm128HmacSha1_80)),
            "000101"
            "010110"
            "020101"
            "030114"
            "04010e"
            "070101"
            "080101"
            "0a0101"
            "0b010a");
  EXPECT_EQ(ToHex(PolicyParams(SrtpProfile::kAesCm128HmacSha1_32)),
            "000101"
            "010110"
            "020101"
            "030114"
            "04010e"
            "070101"
            "080101"
            "0a0101"
            "0b0104");
  EXPECT_EQ(ToHex(PolicyParams(SrtpProfile::kAeadAes128Gcm)),
            "000106"
            "010110"
            "020100"
            "04010c"
            "070101"
            "080101"
            "140110");
  EXPECT_EQ(ToHex(PolicyParams(SrtpProfile::kAeadAes256Gcm)),
            "000106"
            "010120"
            "020100"
            "04010c"
            "070101"
            "080101"
            "140110");
}

StreamKey KeyOf(uint8_t seed, Bytes mki) {
  StreamKey key;
  key.ssrc = Ssrc(5);
  key.key.profile = SrtpProfile::kAeadAes128Gcm;
  key.key.master_key = crypto::Key32(Bytes(16, seed));
  key.key.master_salt = crypto::Salt14(Bytes(12, seed));
  key.key.mki = std::move(mki);
  return key;
}

Bytes Protected(SrtpSender& sender) {
  Bytes packet(200 + srtpio::kMaxTrailer);
  packet[0] = 0x80;
  const auto length = sender.Protect(packet, 200);
  EXPECT_TRUE(length);
  packet.resize(length.value_or(0));
  return packet;
}

TEST(PeerSrtp, KeysBeforeTheNewestStillOpen) {
  SrtpSender sender(Ssrc(5), 100);
  SrtpReceiver receiver(Ssrc(5));
  Bytes nothing(40, 0x80);
  EXPECT_EQ(receiver.OnRtp(nothing).error(), Error::kUnknownKey);
  EXPECT_EQ(sender.Protect(nothing, 20).error(), Error::kUnknownKey);
  ASSERT_TRUE(sender.UseKey(KeyOf(1, {})));
  ASSERT_TRUE(receiver.AddKey(KeyOf(1, {})));
  EXPECT_FALSE(sender.at());
  Bytes first = Protected(sender);
  Bytes late = Protected(sender);
  EXPECT_EQ(sender.at(), PacketIndex(102));
  ASSERT_TRUE(receiver.OnRtp(first));
  EXPECT_EQ(receiver.at(), PacketIndex(100));
  ASSERT_TRUE(receiver.AddKey(KeyOf(2, {0, 0, 0, 2})));
  ASSERT_TRUE(sender.UseKey(KeyOf(2, {0, 0, 0, 2})));
  Bytes second = Protected(sender);
  ASSERT_TRUE(receiver.OnRtp(second));
  ASSERT_TRUE(receiver.OnRtp(late));
  ASSERT_TRUE(receiver.AddKey(KeyOf(3, {0, 0, 0, 3})));
  Bytes third = Protected(sender);
  EXPECT_TRUE(receiver.OnRtp(third));  // under the one before
  ASSERT_TRUE(receiver.AddKey(KeyOf(4, {0, 0, 0, 4})));
  Bytes fourth = Protected(sender);
  EXPECT_FALSE(receiver.OnRtp(fourth));
}

TEST(PeerSrtp, SourcesThatAreNoRtp) {
  SrtpSender sender(Ssrc(5), 0);
  ASSERT_TRUE(sender.UseKey(KeyOf(1, {})));
  Bytes packet(100, 0);
  EXPECT_EQ(sender.Protect(packet, 50).error(), Error::kMalformed);
  packet[0] = 0x80;
  EXPECT_EQ(sender.Protect(packet, 11).error(), Error::kMalformed);
  EXPECT_TRUE(sender.Protect(packet, 12));
}

mikey::v2::Capabilities OfferOf(const mikey::v2::Policy& policy, const Bytes& profiles) {
  mikey::v2::Capabilities offer;
  offer.modes = policy.modes.view();
  offer.prf = policy.prfs.view();
  offer.encr = policy.encrs.view();
  offer.mac = policy.macs.view();
  offer.groups = policy.groups.view();
  offer.profiles = profiles;
  return offer;
}

TEST(PeerChoice, TheOffersOrderCounts) {
  const mikey::v2::Policy ours = mikey::v2::Policy::Default();
  mikey::v2::Policy theirs;
  for (const uint8_t mode : std::initializer_list<uint8_t>{3, 4, 1}) theirs.modes.Add(mode);
  theirs.prfs.Add(1);
  theirs.encrs.Add(1);
  theirs.macs.Add(2);
  theirs.groups.Add(241);
  const Bytes profiles = {0, 9, 0, 1, 0, 7};
  const auto decided = Decide(OfferOf(theirs, profiles), ours);
  ASSERT_TRUE(decided);
  EXPECT_EQ(ToHex(decided->modes.view()), "04");  // 3 is by certificate
  EXPECT_EQ(ToHex(decided->encrs.view()), "01");
  EXPECT_EQ(ToHex(decided->groups.view()), "f1");
  EXPECT_EQ(decided->profiles[0], 1);
  EXPECT_EQ(ToHex(AnswerTlvs(*decided, Bytes(16, 0xaa))),
            "01000104"
            "02000101"
            "03000101"
            "04000102"
            "050001f1"
            "0700020001"
            "0a0010aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

TEST(PeerChoice, EarlyModesNeedTheFirstGroup) {
  mikey::v2::Policy ours = mikey::v2::Policy::Default();
  ours.groups.clear();
  ours.groups.Add(241);
  mikey::v2::Policy theirs = mikey::v2::Policy::Default();
  theirs.modes.clear();
  for (const uint8_t mode : std::initializer_list<uint8_t>{6, 1}) theirs.modes.Add(mode);
  const Bytes profiles = {0, 8};
  const auto decided = Decide(OfferOf(theirs, profiles), ours);
  ASSERT_TRUE(decided);
  EXPECT_EQ(ToHex(decided->modes.view()), "01");
  EXPECT_TRUE(decided->groups.empty());
}

TEST(PeerChoice, NothingInCommon) {
  const mikey::v2::Policy ours = mikey::v2::Policy::Default();
  EXPECT_FALSE(Decide(OfferOf(ours, {0, 9}), ours));
  mikey::v2::Policy theirs = ours;
  theirs.modes.clear();
  theirs.modes.Add(3);
  EXPECT_FALSE(Decide(OfferOf(theirs, {0, 8}), ours));
  theirs = ours;
  theirs.encrs.clear();
  theirs.encrs.Add(241);
  EXPECT_FALSE(Decide(OfferOf(theirs, {0, 8}), ours));
}

}  // namespace
}  // namespace keymast::tools
