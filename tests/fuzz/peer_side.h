// SPDX-License-Identifier: Apache-2.0
// One side of a session of two as a fuzz input drives it: a step is a kind, a length of two octets
// and that many octets. Its randomness is always the same, so that recorded runs go on to their
// end.
#pragma once

#include "tools/peer_call.h"

namespace keymast::tools {

enum class StepKind : uint8_t {
  kOffer,
  kEarly,
  kTakeAnswer,
  kTakeOffer,
  kAnswer,
  kDatagram,
  kTick,
  kTalk,
  kAddStream,
  kReport,  // a compound packet, as if it had been opened
  kLeave,
};
inline constexpr size_t kStepKinds = 11;

inline const Bytes kFuzzPsk(32, 0x6b);
inline const Instant kFuzzNow = FromUnixNanos(1'800'000'000'000'000'000);
inline const Endpoint kOurPort = *ParseEndpoint("127.0.0.1:5000");
inline const Endpoint kTheirPort = *ParseEndpoint("127.0.0.1:6000");

inline CallSetup FuzzSetup(bool is_ours, bool key_mgmt) {
  const mikey::Identity alice{mikey::IdType::kUri, AsBytes("sip:alice@example.org")};
  const mikey::Identity bob{mikey::IdType::kUri, AsBytes("sip:bob@example.org")};
  CallSetup setup;
  setup.self = mikey::OwnedIdentity(is_ours ? alice : bob);
  setup.peer = mikey::OwnedIdentity(is_ours ? bob : alice);
  setup.psk = crypto::SecretKey<mikey::kMaxSharedKey>(kFuzzPsk);
  setup.policy = mikey::v2::Policy::Default();
  setup.media = is_ours ? kOurPort : kTheirPort;
  setup.key_mgmt = key_mgmt;
  return setup;
}

// Side is one of the two; the fuzzer's is `is_ours`.
class Side {
 public:
  Side(bool is_ours, bool key_mgmt)
      : other_(is_ours ? kTheirPort : kOurPort),
        rng_(is_ours ? 5 : 9),
        call_(crypto::DefaultSuite(), FuzzSetup(is_ours, key_mgmt), rng_) {
    call_.media().Add(sdp::Direction::kSendRecv, ToneCodecs()[0]);
  }

  // Do gives the text of a description, where the step makes one.
  std::string Do(StepKind kind, MutableBytes octets) {
    switch (kind) {
      case StepKind::kOffer:
        return call_.Offer(now_).value_or("");
      case StepKind::kEarly:
        static_cast<void>(call_.OpenEarly(other_, now_));
        return {};
      case StepKind::kTakeAnswer:
        static_cast<void>(call_.TakeAnswer(AsText(octets), now_));
        return {};
      case StepKind::kTakeOffer:
        static_cast<void>(call_.TakeOffer(AsText(octets), now_));
        return {};
      case StepKind::kAnswer:
        return call_.Answer(now_).value_or("");
      case StepKind::kDatagram:
        call_.OnDatagram(other_, octets, now_);
        return {};
      case StepKind::kTick:
        now_ = std::min(call_.deadline(), now_ + std::chrono::seconds(10));
        call_.Tick(now_);
        return {};
      case StepKind::kTalk:
        Talk();
        return {};
      case StepKind::kAddStream:
        if (call_.media().streams().size() < 8) {
          call_.media().Add(sdp::Direction::kSendOnly, ToneCodecs()[1]);
        }
        return {};
      case StepKind::kReport:
        static_cast<void>(ReadCompound(octets));
        return {};
      case StepKind::kLeave:
        call_.Leave(now_);
        return {};
    }
    return {};
  }

  PeerCall& call() { return call_; }

 private:
  void Talk() {
    for (size_t i = 0; i < call_.media().streams().size(); ++i) {
      const CallStream& stream = call_.media().streams()[i];
      const Tone tone(*stream.codec, stream.sender.ssrc());
      Bytes packet(kMaxMediaPacket);
      packet.resize(tone.Packet(stream.payload_type, 0, 160, packet));
      static_cast<void>(call_.SendRtp(i, packet, now_));
    }
  }

  Endpoint other_;
  Instant now_ = kFuzzNow;
  crypto::SeededRng rng_;
  PeerCall call_;
};

}  // namespace keymast::tools
