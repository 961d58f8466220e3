// SPDX-License-Identifier: Apache-2.0
// RTP and RTCP from anybody who reaches an input, in sequence: two octets of length before each
// datagram. What goes out is opened by a receiver, so that nothing malformed is ever sent.
#include "headend/channel.h"
#include "srtp/policy.h"

namespace keymast::headend {
namespace {

constexpr Instant kStart{std::chrono::seconds(1'700'000'000)};
constexpr SrtpProfile kProfile = SrtpProfile::kAesCm128HmacSha1_80;
constexpr Ssrc kSsrc{0xa0000001};

ChannelDefinition Definition() {
  ChannelDefinition channel;
  channel.id = ChannelId("one");
  channel.group = *ParseAddress("239.255.42.1");
  channel.streams = {{"video", 5004, kSsrc, 96, 90000, uint16_t{65000}}};
  channel.key_group = KeyGroup(1);
  channel.profile = kProfile;
  return channel;
}

TrafficKey Key() {
  const srtp::ProfileInfo& info = srtp::InfoOf(kProfile);
  return {{{MskId::FromValue(0x00010001), MtkId(1)}, kStart, 1},
          crypto::Key32(Bytes(info.key_length, 1)),
          crypto::Salt14(Bytes(info.salt_length, 2))};
}

class Air {
 public:
  explicit Air(const Channel& channel)
      : session_(*srtpio::Session::Create(
            {kProfile, Key().key, Key().salt, channel.MkiOf(Key().announced.name)}, kSsrc,
            srtpio::Session::Direction::kReceive)) {}

  void Hear(Bytes packet, bool rtcp, const Channel& channel) {
    if (rtcp) {
      KEYMAST_CHECK(session_.UnprotectRtcp(packet, packet.size()).has_value());
      return;
    }
    const auto sequence = static_cast<uint16_t>(packet[2] << 8 | packet[3]);
    session_.SetRoc(srtp::RocOf(srtp::EstimateIndex(channel.position(0)->index, sequence)));
    const Result<size_t> plain = session_.Unprotect(packet, packet.size());
    KEYMAST_CHECK(plain && ReadRtp(ByteView(packet).first(*plain)));
  }

 private:
  srtpio::Session session_;
};

void Run(ByteView octets) {
  crypto::SeededRng rng(1);
  Channel channel(Definition(), State(), Positions(), false, rng);
  KEYMAST_CHECK(channel.Announce(Key(), kStart).has_value());
  channel.Advance(kStart);
  Air air(channel);
  while (octets.size() > 2) {
    State state;
    channel.AddTo(state);
    channel.Durable(state);
    const size_t length = std::min<size_t>(size_t{octets[0]} << 8 | octets[1], octets.size() - 2);
    const ByteView datagram = octets.subspan(2, length);
    octets = octets.subspan(2 + length);
    Bytes buffer(datagram.begin(), datagram.end());
    buffer.resize(length + kMaxSenderReport + srtpio::kMaxTrailer);
    const bool rtcp = IsRtcp(datagram);
    const PacketIndex next = channel.streams()[0].sequencer().next();
    const auto sent = channel.OnDatagram(0, rtcp, buffer, length, kStart);
    KEYMAST_CHECK(channel.streams()[0].sequencer().next() >= next);
    if (!sent) continue;
    buffer.resize(*sent);
    air.Hear(std::move(buffer), rtcp, channel);
  }
}

}  // namespace
}  // namespace keymast::headend

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  keymast::headend::Run({data, size});
  return 0;
}
