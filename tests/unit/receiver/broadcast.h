// SPDX-License-Identifier: Apache-2.0
// The other end for the receiver's tests: a key server that writes messages with mikey's writers
// and a headend that protects packets.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "receiver/core.h"
#include "srtp/index.h"
#include "srtp/policy.h"

namespace keymast::receiver {

inline constexpr KeyDomainId kDomain{{0x26, 0x2f, 0x01}};
inline constexpr KeyGroup kGroup{1};
inline constexpr Ssrc kVideo{0xa0000001};
inline constexpr Ssrc kAudio{0xa0000002};
inline constexpr std::string_view kServer = "bmsc.example.org";
inline constexpr std::string_view kMember = "one@example.org";

inline MskId Msk(uint16_t number) { return {kGroup, KeyNumber(number)}; }
inline Instant At(int64_t milliseconds) {
  return FromUnixNanos(1'800'000'000'000'000'000) + std::chrono::milliseconds(milliseconds);
}
inline crypto::Key32 KeyOf(uint8_t octet, size_t size = 16) {
  return crypto::Key32(Bytes(size, octet));
}

// KeyServer holds what a channel's messages are made of; tests change fields and write.
struct KeyServer {
  mikey::Profile3gpp profile;
  SrtpProfile srtp = SrtpProfile::kAesCm128HmacSha1_80;
  crypto::Key32 user_key = KeyOf(0x11);
  std::string idi{kServer};
  std::string idr{kMember};
  KeyDomainId domain = kDomain;
  MtkId low{1};
  MtkId high{0xffff};
  Roc roc{0};
  uint32_t msk_counter = 0;
  uint32_t mtk_counter = 0;

  static Bytes RandOf(MskId msk) {
    return Bytes(16, static_cast<uint8_t>(0xb0 + msk.number.value));
  }
  static crypto::Key32 MskKey(MskId msk) {
    return KeyOf(static_cast<uint8_t>(0x20 + msk.number.value));
  }

  srtpio::TrafficKey TrafficKeyOf(MskId msk, uint16_t mtk) const {
    const srtp::ProfileInfo& info = srtp::InfoOf(srtp);
    Bytes key(info.key_length, static_cast<uint8_t>(msk.number.value));
    key[0] = static_cast<uint8_t>(mtk >> 8);
    key[1] = static_cast<uint8_t>(mtk);
    std::array<uint8_t, 9> mki{};
    const size_t length = mikey::WriteMki(profile, {domain, msk, MtkId(mtk)}, mki);
    return {srtp, crypto::Key32(key), crypto::Salt14(Bytes(info.salt_length, 0x5a)),
            Bytes(mki.begin(), mki.begin() + static_cast<long>(length))};
  }

  // MskMessage has the next COUNTER.
  Bytes MskMessage(MskId msk) {
    std::vector<mikey::SpParam> params;
    for (const srtp::PolicyParam& p : srtp::ParamsOf(srtp)) params.push_back({p.type, p.value});
    const std::vector<mikey::StreamSync> streams = {{0, kVideo, roc}, {0, kAudio, roc}};
    mikey::MskMessage message;
    message.ids = {domain, msk, std::nullopt};
    message.csb_id = profile.csb_id;
    message.counter = ++msk_counter;
    const Bytes rand = RandOf(msk);
    message.rand = rand;
    message.idi = AsBytes(idi);
    message.idr = AsBytes(idr);
    message.policy = params;
    message.streams = streams;
    const crypto::Key32 key = MskKey(msk);
    message.msk = key.view();
    message.low = low;
    message.high = high;
    Bytes out(2048);
    const auto size =
        mikey::WriteMskMessage(crypto::DefaultSuite(), profile, message, user_key.view(), out);
    EXPECT_TRUE(size.has_value());
    out.resize(size.value_or(0));
    return out;
  }

  Bytes MtkMessage(MskId msk, uint16_t mtk) {
    const srtpio::TrafficKey traffic = TrafficKeyOf(msk, mtk);
    mikey::MtkMessage message;
    message.ids = {domain, msk, MtkId(mtk)};
    message.csb_id = profile.csb_id;
    message.counter = ++mtk_counter;
    const Bytes rand = RandOf(msk);
    message.msk_rand = rand;
    message.key = traffic.master_key.view();
    message.salt = traffic.master_salt.view();
    const crypto::Key32 key = MskKey(msk);
    Bytes out(2048);
    const auto size =
        mikey::WriteMtkMessage(crypto::DefaultSuite(), profile, message, key.view(), out);
    EXPECT_TRUE(size.has_value());
    out.resize(size.value_or(0));
    return out;
  }

  Credential MemberCredential() const { return {user_key, Octets<255>(AsBytes(idr))}; }
  Keyring MakeKeyring(std::span<const SenderCounter> counters = {}) const {
    return Keyring(crypto::DefaultSuite(), profile, {kDomain, kGroup}, MemberCredential(),
                   counters);
  }
  Core MakeCore(std::span<const SenderCounter> counters = {}) const {
    const std::array<Ssrc, 2> ssrcs = {kVideo, kAudio};
    return Core(MakeKeyring(counters), ssrcs);
  }
};

inline Bytes RtpHeader(Ssrc ssrc, uint16_t sequence) {
  Bytes packet = {
      0x80, 96, static_cast<uint8_t>(sequence >> 8), static_cast<uint8_t>(sequence), 0, 0, 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8) {
    packet.push_back(static_cast<uint8_t>(ssrc.value >> shift));
  }
  return packet;
}

// Headend protects packets of one SSRC: one session per key, its own index.
class Headend {
 public:
  Headend(const KeyServer& server, Ssrc ssrc, PacketIndex first)
      : server_(server), ssrc_(ssrc), next_(first) {}

  void SwitchTo(MskId msk, uint16_t mtk) {
    auto session = srtpio::Session::Create(server_.TrafficKeyOf(msk, mtk), ssrc_,
                                           srtpio::Session::Direction::kSend);
    EXPECT_TRUE(session.has_value());
    session_.emplace(std::move(*session));
  }

  Bytes Send(size_t payload = 60) {
    Bytes packet = RtpHeader(ssrc_, srtp::SequenceOf(next_));
    packet.resize(packet.size() + payload, static_cast<uint8_t>(next_.value));
    session_->SetRoc(srtp::RocOf(next_));
    ++next_.value;
    const size_t length = packet.size();
    packet.resize(length + srtpio::kMaxTrailer);
    const Result<size_t> size = session_->Protect(packet, length);
    EXPECT_TRUE(size.has_value());
    packet.resize(size.value_or(0));
    return packet;
  }

  Bytes SendReport() {
    Bytes packet = {0x80, 200, 0, 6};
    for (int shift = 24; shift >= 0; shift -= 8) {
      packet.push_back(static_cast<uint8_t>(ssrc_.value >> shift));
    }
    packet.resize(28 + srtpio::kMaxTrailer);
    const Result<size_t> size = session_->ProtectRtcp(packet, 28);
    EXPECT_TRUE(size.has_value());
    packet.resize(size.value_or(0));
    return packet;
  }

  void Skip(uint64_t packets) { next_.value += packets; }
  PacketIndex next() const { return next_; }

 private:
  const KeyServer& server_;
  Ssrc ssrc_;
  PacketIndex next_;
  std::optional<srtpio::Session> session_;
};

// Give... hand a copy to the core, as a socket would.
inline Result<MskEvent> GiveMsk(Core& core, const Bytes& datagram) {
  std::array<uint8_t, kMaxAnswer> answer{};
  return core.OnMsk(datagram, answer);
}
inline Result<MediaPacket> GiveMedia(Core& core, Bytes datagram, Instant now) {
  return core.OnMedia(datagram, now);
}

}  // namespace keymast::receiver
