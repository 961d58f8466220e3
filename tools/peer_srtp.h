// SPDX-License-Identifier: Apache-2.0
// The two ends of an SRTP stream whose keys change in the middle (MIKEYv2 §9).
#pragma once

#include <deque>
#include <optional>

#include "mikey/v2/party.h"
#include "srtp/index.h"
#include "srtpio/session.h"

namespace keymast::tools {

inline constexpr size_t kMaxMediaPacket = 2048;

// StreamKey is the key of one crypto session of an exchange, and where its stream was then.
struct StreamKey {
  uint8_t cs_id = 0;
  Ssrc ssrc;
  srtpio::TrafficKey key;
  std::optional<PacketIndex> at;  // nothing: it begins
};

// PolicyParams of a profile are what its SP payload has: exactly those (MIKEYv2 §9).
Bytes PolicyParams(SrtpProfile profile);

// KeysOf gives the keys of a session in the order of its map. kMalformed for a policy that is not
// one of `profiles`, kUnsupportedPolicy for a profile that this build does not know.
Result<std::vector<StreamKey>> KeysOf(const crypto::Suite& suite,
                                      const mikey::v2::UnicastSession& session,
                                      const mikey::v2::Profiles& profiles);

// SrtpSender protects the packets of one SSRC of ours. It numbers them itself: no index comes twice
// under a key, whatever their source does.
class SrtpSender {
 public:
  // `first` is drawn at random below 2^15 (RFC 3711 §3.3.1).
  SrtpSender(Ssrc ssrc, uint16_t first) : ssrc_(ssrc), first_(first), next_(first) {}

  Ssrc ssrc() const { return ssrc_; }
  bool has_key() const { return session_.has_value(); }
  void ForgetKey() { session_.reset(); }
  // Where the stream is; nothing before its first packet.
  std::optional<PacketIndex> at() const;
  // UseKey from the next packet on. kUnsupportedAlgorithm.
  Status UseKey(const StreamKey& key);
  // Protect puts SSRC and sequence number into a packet of `length` octets, with room for
  // srtpio::kMaxTrailer behind it, and encrypts it in place. kUnknownKey before there is a key,
  // kMalformed for what is no RTP, kIndexExhausted.
  Result<size_t> Protect(MutableBytes packet, size_t length);
  // ProtectRtcp likewise, of a compound packet of that SSRC.
  Result<size_t> ProtectRtcp(MutableBytes packet, size_t length);

 private:
  Ssrc ssrc_;
  uint16_t first_;
  uint64_t next_;
  std::optional<srtpio::Session> session_;
};

// SrtpReceiver opens the packets of one SSRC of the other side's, under its newest keys.
class SrtpReceiver {
 public:
  // The key before the newest stays for packets under way.
  static constexpr size_t kKeys = 2;

  explicit SrtpReceiver(Ssrc ssrc) : ssrc_(ssrc) {}

  Ssrc ssrc() const { return ssrc_; }
  // Where the stream is by the packets that authenticated.
  std::optional<PacketIndex> at() const;
  // AddKey of the exchange that began last.
  Status AddKey(const StreamKey& key);
  // BeginExchange makes all keys so far those of exchanges before.
  void BeginExchange();
  // Whether a packet has opened under a key of the exchange that began last.
  bool is_confirmed() const;
  void ForgetKeys() { keys_.clear(); }
  // OnRtp opens a packet in place: kUnknownKey before there is a key, else what srtpio refuses.
  Result<size_t> OnRtp(MutableBytes packet);
  Result<size_t> OnRtcp(MutableBytes packet);

 private:
  struct Held {
    srtpio::Session session;
    std::optional<PacketIndex> highest;
    bool is_current = true;  // of the exchange that began last
    bool has_opened = false;
  };
  template <class Open>
  Result<size_t> Try(MutableBytes packet, Open open);

  Ssrc ssrc_;
  std::deque<Held> keys_;  // newest first
};

}  // namespace keymast::tools
