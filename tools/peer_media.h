// SPDX-License-Identifier: Apache-2.0
// The streams of a session of two: SRTP both ways, and what is held until it counts.
#pragma once

#include "sdp/session.h"
#include "tools/peer_reception.h"
#include "tools/peer_srtp.h"
#include "tools/peer_tone.h"

namespace keymast::tools {

// CallStream is one m= line as our side knows it.
struct CallStream {
  CallStream(sdp::Direction direction, const ToneCodec& what, Ssrc ssrc, uint16_t first)
      : wanted(direction), codec(&what), payload_type(what.payload_type), sender(ssrc, first) {}

  sdp::Direction wanted;   // our side of it
  const ToneCodec* codec;  // that the tone is in, and that we offer and take
  uint8_t payload_type;
  SrtpSender sender;
  std::optional<SrtpReceiver> receiver;
  std::optional<Tone> expected;           // of the receiver's SSRC
  std::optional<RtpReception> reception;  // likewise

  // As the descriptions of both say it.
  bool sends = false;
  bool receives = false;
  Endpoint to;

  uint64_t sent = 0;
  uint64_t sent_octets = 0;  // of payload, without padding
  uint32_t last_timestamp = 0;
  std::optional<Instant> last_sent;
  uint64_t received = 0;  // that authenticated
  uint64_t tone = 0;      // of these: exactly the tone
};

// PlainPacket has authenticated.
struct PlainPacket {
  size_t stream = 0;
  Bytes rtp;
};

class CallMedia {
 public:
  static constexpr size_t kMaxHeld = 1024;  // packets; beyond, the oldest go

  explicit CallMedia(crypto::Rng& rng) : rng_(rng) {}

  CallStream& Add(sdp::Direction direction, const ToneCodec& codec);
  // DrawSsrc gives one that none of the streams has.
  Ssrc DrawSsrc();
  std::vector<CallStream>& streams() { return streams_; }
  const std::vector<CallStream>& streams() const { return streams_; }

  // BeginExchange: the keys that are used from now on are of another exchange.
  void BeginExchange();
  // UseKey of one of our streams, or of one that comes to us.
  Status UseKey(size_t stream, bool is_ours, const StreamKey& key);
  // ForgetKeys wipes all keys, and drops what was held and counted for reports under them.
  void ForgetKeys();

  // While held, what comes is opened and kept (MIKEYv2 §12, provisional); Release hands it on.
  void set_held(bool held);

  // Protect gives the SRTP packet of a plain one. kPolicyViolation where the stream does not go
  // that way, else what the sender refuses.
  Result<Bytes> Protect(size_t stream, ByteView packet, Instant now);
  // ProtectRtcp likewise, of a compound packet that begins with the stream's SSRC.
  Result<Bytes> ProtectRtcp(size_t stream, ByteView compound);
  // OnRtp opens a packet in place. kUnknownKey for an SSRC that nobody keyed.
  Status OnRtp(MutableBytes packet, Instant now);
  // OpenRtcp likewise; what it gives is in the packet.
  struct Opened {
    size_t stream = 0;
    ByteView plain;
  };
  Result<Opened> OpenRtcp(MutableBytes packet);

  std::vector<PlainPacket> TakePlain() { return std::exchange(plain_, {}); }
  // Whether anything has authenticated under the keys of the exchange that began last.
  bool has_authenticated() const;
  uint64_t early() const { return early_; }      // packets that were held
  uint64_t refused() const { return refused_; }  // that no key opened

 private:
  using Way = Result<size_t> (SrtpReceiver::*)(MutableBytes packet);
  Result<Opened> Open(MutableBytes packet, size_t ssrc_at, Way way);
  void Take(size_t stream, ByteView plain, Instant now);

  crypto::Rng& rng_;
  std::vector<CallStream> streams_;
  bool is_held_ = false;
  std::deque<PlainPacket> held_;
  std::vector<PlainPacket> plain_;
  uint64_t early_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace keymast::tools
