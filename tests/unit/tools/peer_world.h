// SPDX-License-Identifier: Apache-2.0
// Two sides of a session in memory.
#pragma once

#include <gtest/gtest.h>

#include "tools/peer_call.h"

namespace keymast::tools {

inline const Bytes kCallPsk(32, 0x6b);
inline const Endpoint kAlicesPort = *ParseEndpoint("127.0.0.1:5000");
inline const Endpoint kBobsPort = *ParseEndpoint("127.0.0.1:6000");
inline const mikey::Identity kAliceId{mikey::IdType::kUri, AsBytes("sip:alice@example.org")};
inline const mikey::Identity kBobId{mikey::IdType::kUri, AsBytes("sip:bob@example.org")};

inline mikey::v2::Policy PskPolicy() {
  mikey::v2::Policy policy = mikey::v2::Policy::Default();
  policy.modes.clear();
  for (const uint8_t mode : std::initializer_list<uint8_t>{6, 4, 1}) policy.modes.Add(mode);
  return policy;
}

inline CallSetup SetupOf(bool is_alice) {
  CallSetup setup;
  setup.self = mikey::OwnedIdentity(is_alice ? kAliceId : kBobId);
  setup.peer = mikey::OwnedIdentity(is_alice ? kBobId : kAliceId);
  setup.psk = crypto::SecretKey<mikey::kMaxSharedKey>(kCallPsk);
  setup.policy = PskPolicy();
  setup.media = is_alice ? kAlicesPort : kBobsPort;
  return setup;
}

inline PeerCall::Done AsDone(const tl::expected<std::string, Failure>& text) {
  if (!text) return tl::unexpected<Failure>(text.error());
  return {};
}

// CallWorld is Alice, Bob and the network between them.
class CallWorld {
 public:
  explicit CallWorld(CallSetup alice = SetupOf(true), CallSetup bob = SetupOf(false))
      : alice_(crypto::DefaultSuite(), std::move(alice), rng_),
        bob_(crypto::DefaultSuite(), std::move(bob), rng_) {}

  void AddStreams(std::initializer_list<sdp::Direction> directions) {
    for (const sdp::Direction direction : directions) {
      alice_.media().Add(direction, ToneCodecs()[0]);
      bob_.media().Add(sdp::Reversed(direction), ToneCodecs()[0]);
    }
  }

  // Pump carries what is under way until nothing is.
  void Pump() {
    for (bool moved = true; moved;) {
      moved = false;
      for (PeerCall* side : {&alice_, &bob_}) {
        for (Datagram& datagram : side->TakeOut()) {
          moved = true;
          Carry(datagram, side == &alice_ ? kAlicesPort : kBobsPort);
        }
      }
    }
  }
  void Carry(Datagram& datagram, const Endpoint& from) {
    if (carried_++ == lost_) return;
    const bool is_finish = mikey::TrafficOf(datagram.octets) == mikey::PortTraffic::kMikey &&
                           mikey::v2::IsFinish(static_cast<mikey::DataType>(datagram.octets[1]));
    if (loses_finishes_ && is_finish) return;
    PeerCall& to = datagram.to == kAlicesPort ? alice_ : bob_;
    to.OnDatagram(from, datagram.octets, now_);
  }

  // Round is a whole one: offer, answer, keys.
  PeerCall::Done Round(PeerCall& offerer, PeerCall& answerer) {
    const auto offer = offerer.Offer(now_);
    if (!offer) return AsDone(offer);
    if (PeerCall::Done taken = answerer.TakeOffer(*offer, now_); !taken) return taken;
    const auto answer = answerer.Answer(now_);
    if (!answer) return AsDone(answer);
    PeerCall::Done done = offerer.TakeAnswer(*answer, now_);
    Pump();
    return done;
  }

  // Wait lets all time pass for which a side's exchange waits; `then` is done after each sending.
  template <class Then>
  void Wait(PeerCall& side, Then then) {
    while (side.exchange_deadline() != kNever) {
      now_ = side.exchange_deadline();
      side.Tick(now_);
      then();
    }
  }

  // Talk sends tones on every stream of one side.
  void Talk(PeerCall& side, size_t packets) {
    for (size_t i = 0; i < side.media().streams().size(); ++i) {
      const CallStream& stream = side.media().streams()[i];
      if (!stream.sends) continue;
      const Tone tone(*stream.codec, stream.sender.ssrc());
      for (size_t n = 0; n < packets; ++n) {
        Bytes packet(kMaxMediaPacket);
        const auto timestamp = static_cast<uint32_t>(n * stream.codec->frame_samples());
        packet.resize(tone.Packet(stream.payload_type, 0, timestamp, packet));
        EXPECT_TRUE(side.SendRtp(i, packet, now_));
      }
    }
    Pump();
  }
  void TalkBoth(size_t packets) {
    Talk(alice_, packets);
    Talk(bob_, packets);
  }

  Instant now_ = FromUnixNanos(1'800'000'000'000'000'000);
  crypto::SeededRng rng_{7};
  PeerCall alice_;
  PeerCall bob_;
  size_t carried_ = 0;  // datagrams
  std::optional<size_t> lost_;
  bool loses_finishes_ = false;
};

// Counters of what a side has received on its streams: authenticated, and exactly the tone.
inline std::string HeardBy(PeerCall& side) {
  std::string heard;
  for (const CallStream& stream : side.media().streams()) {
    heard += std::to_string(stream.received) + "/" + std::to_string(stream.tone) + " ";
  }
  return heard;
}

// With is a description in which a text is replaced wherever it stands.
inline std::string With(std::string text, std::string_view what, std::string_view replacement) {
  size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what << " in\n" << text;
  for (; at != std::string::npos; at = text.find(what, at + replacement.size())) {
    text.replace(at, what.size(), replacement);
  }
  return text;
}

// Changed is a description with one character of an attribute's value replaced.
inline std::string Changed(std::string text, std::string_view attribute) {
  const size_t at = text.find(attribute);
  EXPECT_NE(at, std::string::npos) << attribute << " in\n" << text;
  char& letter = text[at + attribute.size() + 5];
  letter = letter == 'A' ? 'B' : 'A';
  return text;
}

}  // namespace keymast::tools
