// SPDX-License-Identifier: Apache-2.0
#include "headend/headend.h"

#include "tests/unit/headend/key_source.h"

namespace keymast::headend {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr SrtpProfile kProfile = SrtpProfile::kAesCm128HmacSha1_80;
constexpr Instant kStart{seconds(1'700'000'000)};

Input InputOf(const std::string& media, const std::string& channel = "", size_t ordinal = 0) {
  return {ChannelId(channel), media, ordinal, {}};
}

struct Conversation : testing::Test {
  Settings MakeSettings() {
    Settings settings;
    settings.id = HeadendId("studio");
    settings.keys = keys;
    settings.inputs = {InputOf("video"), InputOf("audio"), InputOf("video", "two")};
    return settings;
  }
  Error Refused(const v1::HeadendDirective& directive) {
    const auto hash = headend.StateHash();
    const auto taken = headend.OnDirective(directive, now);
    EXPECT_FALSE(taken);
    EXPECT_EQ(headend.StateHash(), hash);
    EXPECT_FALSE(headend.last_error().empty());
    return taken ? Error::kInternal : taken.error();
  }
  void Take(const v1::HeadendDirective& directive) {
    const auto taken = headend.OnDirective(directive, now);
    EXPECT_TRUE(taken) << ErrorName(taken.error());
  }
  void Connect() {
    headend.Hello();
    const auto proof = headend.OnDirective(source.Challenge(), now);
    ASSERT_TRUE(proof && *proof);
    EXPECT_TRUE(source.IsProof(**proof));
  }
  void OnAir() {
    Connect();
    Take(source.Define(definition));
    Take(source.Box(definition, Mtk(kProfile, 1, 1, now)));
    SaveAll();
  }
  void SaveAll() {
    if (const auto state = headend.StateToSave()) headend.OnSaved(*state);
    EXPECT_EQ(headend.StateToSave(), std::nullopt);
  }
  Result<Packet> Send(size_t input, Bytes datagram) {
    const size_t length = datagram.size();
    datagram.resize(length + 500);
    return headend.OnDatagram(input, datagram, length, now);
  }
  std::vector<std::pair<uint32_t, uint32_t>> Held() {
    std::vector<std::pair<uint32_t, uint32_t>> names;
    const v1::HeadendReport report = headend.Report();
    for (const v1::HeldKey& key : report.held()) {
      EXPECT_EQ(key.channel(), "channels/one");
      names.emplace_back(key.msk_id() & 0xffff, key.mtk_id());
    }
    return names;
  }

  crypto::SeededRng rng{5};
  crypto::KeyPair keys = crypto::MakeKeyPair(rng);
  KeySource source{HeadendId("studio"), keys.public_key};
  ChannelDefinition definition = Definition(kProfile);
  Instant now = kStart;
  Headend headend{MakeSettings(), State(), rng};
};

TEST_F(Conversation, SaysWithTheProofWhatItsStateHolds) {
  State kept;
  kept.ends[{ChannelId("gone"), Ssrc(7)}] = {1'500'000'000'000'000'007, PacketIndex(1234)};
  Headend again(MakeSettings(), kept, rng);
  again.Hello();
  const auto proof = again.OnDirective(source.Challenge(), now);
  ASSERT_TRUE(proof && *proof);
  ASSERT_EQ((*proof)->kept_size(), 1);
  EXPECT_EQ((*proof)->kept(0).channel(), "channels/gone");
  EXPECT_EQ((*proof)->kept(0).create_time().seconds(), 1'500'000'000);
  EXPECT_EQ((*proof)->kept(0).create_time().nanos(), 7);
  EXPECT_EQ((*proof)->kept(0).ssrc(), 7U);
  EXPECT_EQ((*proof)->kept(0).end(), 1234U);
  EXPECT_EQ(again.Report().kept_size(), 0);
}

TEST_F(Conversation, BeginsAboveThePositionsOfTheDefinition) {
  Connect();
  v1::HeadendDirective define = source.Define(definition);
  v1::StreamPosition& position = *define.mutable_definition()->add_positions();
  position.set_ssrc(definition.streams[0].ssrc.value);
  position.set_index(500'000);
  v1::StreamPosition& absurd = *define.mutable_definition()->add_positions();
  absurd.set_ssrc(definition.streams[0].ssrc.value);
  absurd.set_index(UINT64_MAX);
  Take(define);
  const Channel& channel = *headend.channels().begin()->second;
  EXPECT_EQ(channel.streams()[0].sequencer().next(), PacketIndex(512'288));
}

TEST_F(Conversation, NamesItselfThenProvesItsKey) {
  EXPECT_EQ(headend.Hello().headend(), "headends/studio");
  EXPECT_EQ(headend.link(), LinkState::kGreeting);
  const auto proof = headend.OnDirective(source.Challenge(), now);
  ASSERT_TRUE(proof && *proof);
  EXPECT_TRUE(source.IsProof(**proof));
  EXPECT_EQ(headend.link(), LinkState::kProving);
  headend.OnReported();
  EXPECT_EQ(headend.link(), LinkState::kConnected);
}

TEST_F(Conversation, OpensNoBoxesForWhoeverAsks) {
  Connect();
  EXPECT_EQ(Refused(source.Challenge()), Error::kUnexpected) << "a second time";
  headend.OnAway(false, now);
  EXPECT_EQ(Refused(source.Challenge()), Error::kUnexpected);
  EXPECT_EQ(Refused(source.Define(definition)), Error::kUnexpected) << "before the proof";
}

TEST_F(Conversation, AChallengeForAnotherHeadendIsNotAnswered) {
  headend.Hello();
  KeySource other(HeadendId("other"), keys.public_key);
  EXPECT_EQ(Refused(other.Challenge()), Error::kDecryptionFailed);
}

TEST_F(Conversation, KeysAreTakenReportedAndUsed) {
  OnAir();
  EXPECT_EQ(Held(), (std::vector<std::pair<uint32_t, uint32_t>>{{1, 1}}));
  EXPECT_EQ(headend.Report().positions_size(), 0);
  const auto packet = Send(0, Rtp(77));
  ASSERT_TRUE(packet) << ErrorName(packet.error());
  EXPECT_EQ(ToString(packet->to), "239.255.42.1:5004");
  const auto report = headend.Report();
  ASSERT_EQ(report.positions_size(), 1);
  EXPECT_EQ(report.positions(0).ssrc(), kVideo.value);
  EXPECT_EQ(report.positions(0).index(), kFirstSequence);
  EXPECT_EQ(report.positions(0).mtk_id(), 1u);
  const auto rtcp = Send(0, EncoderReport(kEncoder, 1, 2));
  ASSERT_TRUE(rtcp);
  EXPECT_EQ(rtcp->to.port, 5005);
}

TEST_F(Conversation, TheSwitchHappensAtItsInstantPacketOrNot) {
  OnAir();
  Take(source.Box(definition, Mtk(kProfile, 1, 2, now + seconds(2))));
  EXPECT_EQ(headend.NextSwitch(), now + seconds(2));
  EXPECT_EQ(Held(), (std::vector<std::pair<uint32_t, uint32_t>>{{1, 1}, {1, 2}}));
  now += seconds(2);
  headend.Tick(now);
  EXPECT_EQ(Held(), (std::vector<std::pair<uint32_t, uint32_t>>{{1, 2}}));
  Take(source.Box(definition, Mtk(kProfile, 1, 3, now + seconds(2))));
  now += seconds(2);
  ASSERT_TRUE(Send(0, Rtp(1)));
  EXPECT_EQ(headend.Report().positions(0).mtk_id(), 3u) << "a packet switches too";
}

TEST_F(Conversation, ABoxThatDoesNotOpenChangesNothing) {
  OnAir();
  const TrafficKey next = Mtk(kProfile, 1, 2, now + seconds(2));
  const v1::HeadendDirective good = source.Box(definition, next);
  for (size_t i = 0; i < good.key().box().size(); ++i) {
    v1::HeadendDirective bad = good;
    (*bad.mutable_key()->mutable_box())[i] ^= 1;
    EXPECT_EQ(Refused(bad), Error::kDecryptionFailed) << i;
    bad = good;
    bad.mutable_key()->mutable_box()->resize(i);
    EXPECT_EQ(Refused(bad),
              i < crypto::kBoxOverhead ? Error::kTruncated : Error::kDecryptionFailed);
  }
  v1::HeadendDirective bad = good;
  bad.mutable_key()->set_epoch(99);
  EXPECT_EQ(Refused(bad), Error::kDecryptionFailed);
  bad = good;
  bad.mutable_key()->mutable_switch_time()->set_nanos(1);
  EXPECT_EQ(Refused(bad), Error::kDecryptionFailed);
  bad = good;
  bad.mutable_key()->set_mtk_id(3);
  EXPECT_EQ(Refused(bad), Error::kDecryptionFailed);
  bad = good;
  bad.mutable_key()->set_srtp_profile(v1::AEAD_AES_128_GCM);
  EXPECT_EQ(Refused(bad), Error::kUnsupportedPolicy);
  bad = good;
  bad.mutable_key()->set_channel("channels/other");
  EXPECT_EQ(Refused(bad), Error::kUnknownChannel);
  Take(good);
}

TEST_F(Conversation, NumbersOutOfRangeAreRefused) {
  Connect();
  const auto refused = [&](auto change) {
    v1::HeadendDirective bad = source.Define(definition);
    change(*bad.mutable_definition()->mutable_channel());
    return Refused(bad);
  };
  EXPECT_EQ(refused([](v1::Channel& c) { c.set_name("one"); }), Error::kMalformed);
  EXPECT_EQ(refused([](v1::Channel& c) { c.set_name("channels/a/b"); }), Error::kMalformed);
  EXPECT_EQ(refused([](v1::Channel& c) { c.mutable_multicast()->set_group("10.0.0.1"); }),
            Error::kMalformed);
  EXPECT_EQ(refused([](v1::Channel& c) { c.mutable_multicast()->set_ttl(256); }),
            Error::kMalformed);
  EXPECT_EQ(refused([](v1::Channel& c) { c.mutable_streams(0)->set_port(65535); }),
            Error::kMalformed);
  EXPECT_EQ(refused([](v1::Channel& c) { c.mutable_streams(0)->set_payload_type(128); }),
            Error::kMalformed);
  EXPECT_EQ(refused([](v1::Channel& c) { c.mutable_streams(0)->set_initial_sequence(65536); }),
            Error::kMalformed);
  EXPECT_EQ(refused([](v1::Channel& c) { c.clear_streams(); }), Error::kMalformed);
  EXPECT_EQ(refused([](v1::Channel& c) { c.set_key_domain("26"); }), Error::kMalformed);
  EXPECT_EQ(refused([](v1::Channel& c) { c.mutable_streams(0)->set_ssrc(kAudio.value); }),
            Error::kSsrcInUse);
  EXPECT_EQ(refused([](v1::Channel& c) { c.clear_srtp_profile(); }), Error::kUnsupportedPolicy);
  Take(source.Define(definition));
}

TEST_F(Conversation, DefiningAgainKeepsWhatIsTheSameOnAir) {
  OnAir();
  ASSERT_TRUE(Send(0, Rtp(1)));
  definition.mtk_period = seconds(20);
  Take(source.Define(definition));
  EXPECT_TRUE(Send(0, Rtp(2)));
  definition.max_datagram = 1300;
  Take(source.Define(definition));
  EXPECT_TRUE(Send(0, Rtp(3))) << "its key is still there";
  definition.ttl = 5;
  Take(source.Define(definition));
  EXPECT_EQ(Send(0, Rtp(4)).error(), Error::kUnknownKey) << "another channel, other keys";
  Take(source.Box(definition, Mtk(kProfile, 1, 1, now)));
  SaveAll();
  ASSERT_TRUE(Send(0, Rtp(5)));
  EXPECT_GT(headend.Report().positions(0).index(), kFirstSequence + 2u)
      << "the same key came again: its indexes are not used again";
  EXPECT_EQ(Send(0, EncoderReport(kEncoder, 1, 2)).error(), Error::kFailedPrecondition);
}

TEST_F(Conversation, AnotherPolicyIsInForceAtOnce) {
  OnAir();
  RtpParts parts;
  parts.payload = Bytes(1300 - 12 - 16 + 1);  // MKI 6, tag 10
  ASSERT_TRUE(Send(0, Rtp(parts)));
  definition.max_datagram = 1300;
  definition.mtk_period = seconds(100);
  Take(source.Define(definition));
  ++parts.sequence;
  EXPECT_EQ(Send(0, Rtp(parts)).error(), Error::kTooLong);
  parts.payload.pop_back();
  const auto packet = Send(0, Rtp(parts));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->length, 1300u);
  headend.OnAway(false, now);
  now += seconds(160) - milliseconds(1);
  EXPECT_TRUE(Send(0, Rtp(2000)));
  now += milliseconds(1);
  EXPECT_EQ(Send(0, Rtp(2001)).error(), Error::kOutsideInterval);
}

TEST_F(Conversation, ADroppedChannelIsForgotten) {
  OnAir();
  Take(source.Dropped("channels/one"));
  EXPECT_TRUE(headend.channels().empty());
  EXPECT_EQ(Send(0, Rtp(1)).error(), Error::kUnknownChannel);
  Take(source.Dropped("channels/one"));
}

TEST_F(Conversation, AChannelThatIsNotNamedAgainIsForgotten) {
  OnAir();
  headend.OnAway(false, now);
  EXPECT_TRUE(Send(0, Rtp(1))) << "the server is away: the key stays";
  now += seconds(2);
  Connect();
  headend.OnReported();
  headend.Tick(now + seconds(4));
  EXPECT_EQ(headend.channels().size(), 1u);
  headend.Tick(now + Headend::kForgetAfter);
  EXPECT_TRUE(headend.channels().empty());
}

TEST_F(Conversation, ARevokedHeadendForgetsAtOnce) {
  OnAir();
  headend.OnAway(true, now);
  EXPECT_TRUE(headend.channels().empty());
  EXPECT_EQ(Send(0, Rtp(1)).error(), Error::kUnknownChannel);
}

TEST_F(Conversation, ALostServerIsOutlastedForTheOverrun) {
  OnAir();
  headend.OnAway(false, now);
  now += definition.mtk_period + seconds(60) - milliseconds(1);
  EXPECT_TRUE(Send(0, Rtp(1)));
  now += milliseconds(1);
  EXPECT_EQ(Send(0, Rtp(2)).error(), Error::kOutsideInterval);
  Connect();
  Take(source.Define(definition));
  EXPECT_TRUE(Send(0, Rtp(3))) << "connected again";
}

TEST_F(Conversation, InputsFindTheirStreams) {
  OnAir();
  EXPECT_EQ(Send(2, Rtp(1)).error(), Error::kUnknownChannel);
  ChannelDefinition two = definition;
  two.id = ChannelId("two");
  Take(source.Define(two));
  EXPECT_EQ(Send(0, Rtp(1)).error(), Error::kUnknownChannel) << "which one?";
  EXPECT_EQ(Send(2, Rtp(1)).error(), Error::kUnknownKey);
  Take(source.Box(two, Mtk(kProfile, 1, 1, now)));
  SaveAll();
  EXPECT_TRUE(Send(2, Rtp(1)));
  Take(source.Dropped("channels/two"));
  EXPECT_TRUE(Send(0, Rtp(1)));
}

TEST_F(Conversation, MalformedInputIsCountedAndChangesNothing) {
  OnAir();
  ASSERT_TRUE(Send(0, Rtp(1)));
  const auto hash = headend.StateHash();
  crypto::SeededRng chaos(1);
  for (int i = 0; i < 10'000; ++i) {
    std::array<uint8_t, 2> head{};
    chaos.Fill(head);
    Bytes datagram(head[0]);
    chaos.Fill(datagram);
    if (!datagram.empty()) datagram[0] &= 0x7f;  // no version 2
    EXPECT_FALSE(Send(i % 2 == 0 ? 0 : 1, datagram));
  }
  EXPECT_EQ(headend.StateHash(), hash);
  uint64_t counted = 0;
  for (const uint64_t count : headend.discards()) counted += count;
  EXPECT_EQ(counted, 10'000u);
}

TEST_F(Conversation, ACleanEndGivesBackWhatWasReserved) {
  OnAir();
  for (uint16_t i = 0; i < 10; ++i) ASSERT_TRUE(Send(0, Rtp(i)));
  const State state = headend.FinalState();
  EXPECT_EQ(state.ends.at({ChannelId("one"), kVideo}).index, PacketIndex(kFirstSequence + 10));
  EXPECT_EQ(state.ends.at({ChannelId("one"), kAudio}).index, PacketIndex(kFirstSequence));
  EXPECT_EQ(state.claims.at(ChannelId("one")).key.mtk, MtkId(1));
}

}  // namespace
}  // namespace keymast::headend
