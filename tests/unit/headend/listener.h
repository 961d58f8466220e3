// SPDX-License-Identifier: Apache-2.0
// A channel with its keys, and a receiver of it: one real receiving session per key.
#pragma once

#include <map>

#include "headend/channel.h"
#include "srtp/policy.h"
#include "tests/unit/headend/packets.h"

namespace keymast::headend {

inline constexpr Ssrc kVideo{0xa0000001};
inline constexpr Ssrc kAudio{0xa0000002};
inline constexpr uint16_t kFirstSequence = 65000;

inline ChannelDefinition Definition(SrtpProfile profile = SrtpProfile::kAesCm128HmacSha1_80) {
  ChannelDefinition channel;
  channel.id = ChannelId("one");
  channel.created = 1'700'000'000'000'000'000;
  channel.group = *ParseAddress("239.255.42.1");
  channel.interface_address = "127.0.0.1";
  channel.streams = {{"video", 5004, kVideo, 96, 90000, kFirstSequence},
                     {"audio", 5006, kAudio, 97, 48000, kFirstSequence}};
  channel.domain.octets = {0x26, 0x2f, 0x01};
  channel.key_group = KeyGroup(1);
  channel.profile = profile;
  channel.mtk_period = std::chrono::seconds(10);
  return channel;
}

// Mtk derives a key of the right lengths from its name.
inline TrafficKey Mtk(SrtpProfile profile, uint16_t msk, uint16_t mtk, Instant switch_at) {
  const srtp::ProfileInfo& info = srtp::InfoOf(profile);
  TrafficKey key;
  key.announced = {{{KeyGroup(1), KeyNumber(msk)}, MtkId(mtk)}, switch_at, mtk};
  key.key = crypto::Key32(Bytes(info.key_length, static_cast<uint8_t>(0x20 + msk * 16 + mtk)));
  key.salt = crypto::Salt14(Bytes(info.salt_length, static_cast<uint8_t>(0x80 + mtk)));
  return key;
}

// Save makes everything durable that a channel wants to be.
inline State Save(Channel& channel, State state = {}) {
  channel.AddTo(state);
  channel.Durable(state);
  return state;
}

// Send passes one datagram of an encoder through the channel.
inline Result<Bytes> Send(Channel& channel, size_t stream, const Bytes& datagram, Instant now) {
  Bytes buffer = datagram;
  buffer.resize(datagram.size() + kMaxSenderReport + srtpio::kMaxTrailer);
  channel.Advance(now);
  const auto length = channel.OnDatagram(stream, IsRtcp(datagram), buffer, datagram.size(), now);
  if (!length) return Err(length.error());
  buffer.resize(*length);
  return buffer;
}

// Listener opens what goes out for one SSRC, guessing indexes as RFC 3711 §3.3.1 says.
class Listener {
 public:
  Listener(SrtpProfile profile, Ssrc ssrc, PacketIndex highest)
      : info_(srtp::InfoOf(profile)), ssrc_(ssrc), highest_(highest) {}

  void Learn(const TrafficKey& key, const Bytes& mki) {
    auto session = srtpio::Session::Create({info_.profile, key.key, key.salt, mki}, ssrc_,
                                           srtpio::Session::Direction::kReceive);
    ASSERT_TRUE(session);
    sessions_.insert_or_assign(mki, std::move(*session));
  }

  Result<Bytes> Hear(const Bytes& packet) {
    srtpio::Session* session = SessionOf(packet, info_.rtp_tag_length);
    if (session == nullptr) return Err(Error::kUnknownKey);
    const auto sequence = static_cast<uint16_t>(packet[2] << 8 | packet[3]);
    const PacketIndex index = srtp::EstimateIndex(highest_, sequence);
    session->SetRoc(srtp::RocOf(index));
    Bytes plain = packet;
    const auto length = session->Unprotect(plain, plain.size());
    if (!length) return Err(length.error());
    highest_ = std::max(highest_, index);
    plain.resize(*length);
    return plain;
  }
  Result<Bytes> HearRtcp(const Bytes& packet) {
    srtpio::Session* session = SessionOf(packet, info_.rtcp_tag_length);
    if (session == nullptr) return Err(Error::kUnknownKey);
    Bytes plain = packet;
    const auto length = session->UnprotectRtcp(plain, plain.size());
    if (!length) return Err(length.error());
    plain.resize(*length);
    return plain;
  }
  PacketIndex highest() const { return highest_; }

 private:
  srtpio::Session* SessionOf(const Bytes& packet, size_t tag) {
    const size_t behind = info_.aead ? 0 : tag;
    for (auto& [mki, session] : sessions_) {
      const auto end = packet.end() - static_cast<long>(behind);
      if (packet.size() > behind + mki.size() &&
          std::equal(mki.begin(), mki.end(), end - static_cast<long>(mki.size()))) {
        return &session;
      }
    }
    return nullptr;
  }

  const srtp::ProfileInfo& info_;
  Ssrc ssrc_;
  PacketIndex highest_;
  std::map<Bytes, srtpio::Session> sessions_;
};

}  // namespace keymast::headend
