// SPDX-License-Identifier: Apache-2.0
// The packet path against real receiving sessions.
#include "headend/channel.h"

#include <set>

#include "tests/unit/headend/listener.h"

namespace keymast::headend {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{seconds(1'700'000'000)};
constexpr size_t kVideoStream = 0;

std::vector<SrtpProfile> AllProfiles() {
  std::vector<SrtpProfile> all;
  for (const srtp::ProfileInfo& info : srtp::Profiles()) all.push_back(info.profile);
  return all;
}

class OnAir : public testing::TestWithParam<SrtpProfile> {
 protected:
  // Announce gives a key to both ends.
  void Announce(uint16_t msk, uint16_t mtk, Instant switch_at) {
    const TrafficKey key = Mtk(GetParam(), msk, mtk, switch_at);
    ASSERT_TRUE(channel_.Announce(key, now_));
    listener_.Learn(key, channel_.MkiOf(key.announced.name));
    state_ = Save(channel_, state_);
  }
  Result<Bytes> SendVideo(const Bytes& datagram) {
    const auto sent = Send(channel_, kVideoStream, datagram, now_);
    if (!channel_.IsDurable()) state_ = Save(channel_, state_);
    return sent;
  }

  crypto::SeededRng rng_{3};
  State state_;
  Channel channel_{Definition(GetParam()), state_, {}, false, rng_};
  Listener listener_{GetParam(), kVideo, PacketIndex(kFirstSequence)};
  Instant now_ = kStart;
};

INSTANTIATE_TEST_SUITE_P(Headend, OnAir, testing::ValuesIn(AllProfiles()), [](const auto& chosen) {
  return std::string(srtp::InfoOf(chosen.param).name);
});

TEST_P(OnAir, ThirtyKeysAndAWrapLoseNothing) {
  uint16_t sequence = 9;
  for (uint16_t key = 1; key <= 31; ++key) {
    Announce(1, key, kStart + seconds(key));
    now_ = kStart + seconds(key);
    for (int i = 0; i < 40; ++i, ++sequence, now_ += milliseconds(20)) {
      RtpParts parts;
      parts.sequence = sequence;
      parts.timestamp = sequence * 1800u;
      parts.marker = i % 3 == 0;
      parts.payload = Bytes(100, static_cast<uint8_t>(i));
      const auto sent = SendVideo(Rtp(parts));
      ASSERT_TRUE(sent) << ErrorName(sent.error());
      const auto plain = listener_.Hear(*sent);
      ASSERT_TRUE(plain) << key << "/" << i << ": " << ErrorName(plain.error());
      parts.sequence = static_cast<uint16_t>(kFirstSequence + sequence - 9);
      parts.ssrc = kVideo;
      EXPECT_EQ(*plain, Rtp(parts));
    }
  }
  EXPECT_EQ(channel_.keys().switches(), 30u);
  EXPECT_EQ(channel_.streams()[0].counters().packets_out, 31u * 40u);
  EXPECT_EQ(srtp::RocOf(channel_.position(0)->index), Roc(1)) << "the ROC has wrapped";
  EXPECT_EQ(channel_.position(0)->index, listener_.highest());
}

TEST_P(OnAir, EverythingAnEncoderPutsIntoAPacketArrives) {
  Announce(1, 1, kStart);
  RtpParts parts;
  parts.marker = true;
  parts.csrcs = {7, 8};
  parts.extension = Bytes(12, 0x5a);
  parts.padding = 4;
  const auto sent = SendVideo(Rtp(parts));
  ASSERT_TRUE(sent);
  parts.sequence = kFirstSequence;
  parts.ssrc = kVideo;
  EXPECT_EQ(listener_.Hear(*sent), Rtp(parts));
  EXPECT_EQ(channel_.streams()[0].counters().octets_out, parts.payload.size());
}

TEST_P(OnAir, LatePacketsAcrossAWrapAndASwitchOpen) {
  Announce(1, 1, kStart);
  uint16_t sequence = 0;
  for (; sequence < 535; ++sequence) ASSERT_TRUE(listener_.Hear(*SendVideo(Rtp(sequence))));
  Announce(1, 2, kStart + seconds(1));
  now_ += seconds(2);
  // 535 is the last of ROC 0; it comes behind 536 to 539, which are ROC 1, under the next key.
  for (const uint16_t late : std::initializer_list<uint16_t>{536, 537, 539, 535, 538}) {
    const auto sent = SendVideo(Rtp(late));
    ASSERT_TRUE(sent) << late;
    EXPECT_TRUE(listener_.Hear(*sent)) << late;
  }
  EXPECT_EQ(channel_.position(0)->index, PacketIndex(65539));
  EXPECT_EQ(channel_.position(0)->key.mtk, MtkId(2));
  EXPECT_TRUE(listener_.Hear(*SendVideo(Rtp(540))));
}

TEST_P(OnAir, AGapFilledAfterASwitchLeavesThePositionToTheKeyThatSentIt) {
  Announce(1, 1, kStart);
  ASSERT_TRUE(SendVideo(Rtp(1)));
  ASSERT_TRUE(SendVideo(Rtp(3)));
  Announce(1, 2, kStart + seconds(1));
  now_ += seconds(2);
  ASSERT_TRUE(SendVideo(Rtp(2)));
  EXPECT_EQ(channel_.position(0)->index, PacketIndex(kFirstSequence + 2));
  EXPECT_EQ(channel_.position(0)->key.mtk, MtkId(1));
  ASSERT_TRUE(SendVideo(Rtp(4)));
  EXPECT_EQ(channel_.position(0)->index, PacketIndex(kFirstSequence + 3));
  EXPECT_EQ(channel_.position(0)->key.mtk, MtkId(2));
}

TEST_P(OnAir, SenderReportsCarryOurNumbers) {
  Announce(1, 1, kStart);
  for (uint16_t i = 0; i < 5; ++i) ASSERT_TRUE(SendVideo(Rtp(i)));
  const auto sent = SendVideo(EncoderReport(kEncoder, 42, 4711, 2));
  ASSERT_TRUE(sent) << ErrorName(sent.error());
  const auto plain = listener_.HearRtcp(*sent);
  ASSERT_TRUE(plain);
  std::array<uint8_t, kMaxSenderReport> want{};
  const size_t length = WriteSenderReport(want, {kVideo, 42, 4711}, {5, 200}, "one");
  EXPECT_TRUE(Equal(*plain, ByteView(want).first(length)));
  EXPECT_EQ(listener_.HearRtcp(*sent), Err(Error::kReplayed));
  EXPECT_EQ(SendVideo(EncoderReport(Ssrc(5), 42, 1)), Err(Error::kWrongSource));
  EXPECT_EQ(channel_.streams()[0].counters().rtcp_out, 1u);
}

TEST_P(OnAir, AfterACrashTheIndexJumpsAndReceiversFollow) {
  Announce(1, 1, kStart);
  uint16_t sequence = 100;
  for (int i = 0; i < 70'000; ++i, ++sequence) {
    const auto sent = SendVideo(Rtp(sequence));
    ASSERT_TRUE(sent);
    if (i % 50 == 0) {
      ASSERT_TRUE(listener_.Hear(*sent));
    }
  }
  Channel again(Definition(GetParam()), state_, {}, false, rng_);
  const TrafficKey key = Mtk(GetParam(), 1, 1, kStart);
  ASSERT_TRUE(again.Announce(key, now_));
  Save(again, state_);
  const auto sent = Send(again, kVideoStream, Rtp(sequence), now_);
  ASSERT_TRUE(sent);
  EXPECT_GT(again.position(0)->index, channel_.position(0)->index);
  EXPECT_LT(again.position(0)->index.value - channel_.position(0)->index.value, 1u << 15);
  EXPECT_TRUE(listener_.Hear(*sent));
}

TEST_P(OnAir, AKeyThatMayHaveProtectedRtcpDoesSoNoMoreAfterARestart) {
  Announce(1, 1, kStart);
  SendVideo(Rtp(1));
  ASSERT_TRUE(SendVideo(EncoderReport(kEncoder, 1, 2)));

  Channel again(Definition(GetParam()), state_, {}, false, rng_);
  ASSERT_TRUE(again.Announce(Mtk(GetParam(), 1, 1, kStart), now_));
  State state = Save(again, state_);
  ASSERT_TRUE(Send(again, kVideoStream, Rtp(1), now_));
  const Bytes report = EncoderReport(kEncoder, 3, 4);
  EXPECT_EQ(Send(again, kVideoStream, report, now_), Err(Error::kFailedPrecondition));
  ASSERT_TRUE(again.Announce(Mtk(GetParam(), 1, 2, kStart), now_));
  EXPECT_EQ(Send(again, kVideoStream, report, now_), Err(Error::kFailedPrecondition))
      << "not before the file says so";
  state = Save(again, state);
  EXPECT_TRUE(Send(again, kVideoStream, report, now_));
}

struct Refusing : testing::Test {
  Result<Bytes> SendVideo(const Bytes& datagram) {
    return Send(channel, kVideoStream, datagram, now);
  }
  crypto::SeededRng rng{3};
  Channel channel{Definition(), State(), {}, false, rng};
  Instant now = kStart;
};

TEST_F(Refusing, NothingGoesOutWithoutAKey) {
  EXPECT_EQ(channel.SilenceAt(now), Silence::kNoKey);
  EXPECT_EQ(SendVideo(Rtp(1)), Err(Error::kUnknownKey));
  EXPECT_EQ(SendVideo(EncoderReport(kEncoder, 1, 2)), Err(Error::kUnknownKey));
  EXPECT_EQ(channel.position(0), std::nullopt);
}

TEST_F(Refusing, NothingGoesOutBeforeItsIndexIsDurable) {
  ASSERT_TRUE(channel.Announce(Mtk(SrtpProfile::kAesCm128HmacSha1_80, 1, 1, now), now));
  EXPECT_EQ(SendVideo(Rtp(1)), Err(Error::kUnavailable));
  Save(channel);
  EXPECT_TRUE(SendVideo(Rtp(2)));
}

TEST_F(Refusing, WhatDoesNotFitIsRefusedAndChangesNothing) {
  ASSERT_TRUE(channel.Announce(Mtk(SrtpProfile::kAesCm128HmacSha1_80, 1, 1, now), now));
  Save(channel);
  RtpParts parts;
  parts.payload = Bytes(1400 - 12 - 16 + 1);  // MKI 6, tag 10
  EXPECT_EQ(SendVideo(Rtp(parts)), Err(Error::kTooLong));
  parts.payload.pop_back();
  parts.payload_type = 33;
  EXPECT_EQ(SendVideo(Rtp(parts)), Err(Error::kUnexpected));
  EXPECT_EQ(channel.streams()[0].sequencer().next(), PacketIndex(kFirstSequence));
  parts.payload_type = 96;
  const auto sent = SendVideo(Rtp(parts));
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->size(), 1400u);
  EXPECT_EQ(channel.streams()[0].counters().packets_in, 3u);
}

TEST_F(Refusing, OverrunEndsAMinutePastThePeriodOrTheServersLoss) {
  ASSERT_TRUE(channel.Announce(Mtk(SrtpProfile::kAesCm128HmacSha1_80, 1, 1, now), now));
  Save(channel);
  ASSERT_TRUE(SendVideo(Rtp(1)));
  now += seconds(300);
  EXPECT_TRUE(SendVideo(Rtp(2))) << "with the server there, its word is what counts";
  channel.ServerAway(now, seconds(60));
  now += seconds(60) - milliseconds(1);
  EXPECT_TRUE(SendVideo(Rtp(3)));
  now += milliseconds(1);
  EXPECT_EQ(SendVideo(Rtp(4)), Err(Error::kOutsideInterval));
  EXPECT_EQ(channel.SilenceAt(now), Silence::kOverrun);
  channel.ServerBack();
  EXPECT_TRUE(SendVideo(Rtp(5)));
}

TEST_F(Refusing, AnAnnouncedKeyIsUsedAlsoWhileTheServerIsAway) {
  ASSERT_TRUE(channel.Announce(Mtk(SrtpProfile::kAesCm128HmacSha1_80, 1, 1, now), now));
  ASSERT_TRUE(
      channel.Announce(Mtk(SrtpProfile::kAesCm128HmacSha1_80, 1, 2, now + seconds(10)), now));
  Save(channel);
  ASSERT_TRUE(SendVideo(Rtp(1)));
  channel.ServerAway(now, seconds(60));
  EXPECT_EQ(channel.lead(), seconds(10));
  now += seconds(79);  // its own period of 10 s and the overrun count from its switch
  EXPECT_TRUE(SendVideo(Rtp(2)));
  EXPECT_EQ(channel.keys().current()->key.name.mtk, MtkId(2));
  now += seconds(1);
  EXPECT_EQ(SendVideo(Rtp(3)), Err(Error::kOutsideInterval));
}

TEST_F(Refusing, AKeyOfAnotherGroupIsNotOurs) {
  TrafficKey key = Mtk(SrtpProfile::kAesCm128HmacSha1_80, 1, 1, now);
  key.announced.name.msk.group = KeyGroup(2);
  EXPECT_EQ(channel.Announce(key, now), Err(Error::kUnknownKey));
}

TEST_F(Refusing, FirstSequenceNumbersAreRandomAndBelowTheMiddle) {
  ChannelDefinition definition = Definition();
  definition.streams[0].initial_sequence.reset();
  std::set<uint64_t> seen;
  for (int i = 0; i < 50; ++i) {
    const Channel fresh(definition, State(), {}, false, rng);
    const uint64_t first = fresh.streams()[0].sequencer().next().value;
    EXPECT_LT(first, 1u << 15);
    seen.insert(first);
  }
  EXPECT_GT(seen.size(), 40u);
}

TEST_F(Refusing, GoesOnAboveWhatAnotherHeadendReported) {
  ChannelDefinition definition = Definition();
  definition.streams[0].initial_sequence = 9;
  const Ssrc video = definition.streams[0].ssrc;
  const PacketIndex reported((uint64_t{5} << 16) + 65'000);
  const auto first = [&](const State& kept, const Positions& positions) {
    return Channel(definition, kept, positions, false, rng).streams()[0].sequencer().next();
  };
  EXPECT_EQ(first({}, {}), PacketIndex(9));
  EXPECT_EQ(first({}, {{Ssrc(1), reported}}), PacketIndex(9));
  EXPECT_EQ(first({}, {{video, reported}}), PacketIndex(reported.value + 12288));
  State kept;
  kept.ends[{definition.id, video}] = {definition.created, PacketIndex(reported.value + 1)};
  EXPECT_EQ(first(kept, {{video, reported}}), PacketIndex(reported.value + 1)) << "its own end";
  kept.ends[{definition.id, video}] = {definition.created, reported};
  EXPECT_EQ(first(kept, {{video, reported}}), PacketIndex(reported.value + 12288));
  kept.ends[{definition.id, video}] = {definition.created + 1, PacketIndex(reported.value + 1)};
  EXPECT_EQ(first(kept, {}), PacketIndex(9)) << "the end is of another channel with this name";
  const PacketIndex last(srtp::kIndexMask);
  EXPECT_EQ(first({}, {{video, last}}), PacketIndex(last.value + 1)) << "all are used";
}

TEST_F(Refusing, TheMkiMayBeginWithTheDomain) {
  const Channel with_domain(Definition(), State(), {}, true, rng);
  const KeyName key{MskId::FromValue(0x00010002), MtkId(3)};
  EXPECT_EQ(ToHex(channel.MkiOf(key)), "000100020003");
  EXPECT_EQ(ToHex(with_domain.MkiOf(key)), "262f01000100020003");
}

}  // namespace
}  // namespace keymast::headend
