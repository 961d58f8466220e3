// SPDX-License-Identifier: Apache-2.0
// The whole receiver without I/O: datagrams of three kinds in, plain packets and answers out.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "receiver/keyring.h"
#include "receiver/stream.h"

namespace keymast::receiver {

// Discards counts by reason what was refused, apart for each kind of port.
using Discards = std::array<uint64_t, kErrorCount>;

// MediaPacket is what one datagram of a media port was.
struct MediaPacket {
  size_t stream = 0;  // which of the SSRCs given
  bool rtcp = false;
  size_t length = 0;  // plain octets, in place
  MskId msk;          // that it was under
};

class Core {
 public:
  // At most mikey::kMaxStreams SSRCs; packets of others are not looked at.
  Core(Keyring keyring, std::span<const Ssrc> ssrcs);

  Result<MskEvent> OnMsk(ByteView datagram, MutableBytes answer);
  Result<MtkEvent> OnMtk(ByteView datagram, Instant now,
                         const std::optional<MtkSigner>& signer = std::nullopt);
  Status OnJoin(const mikey::v2::Streams& streams, const mikey::v2::Contents& contents,
                Instant now);
  // RTP and RTCP may come on one port: RFC 5761 §4 tells them apart. kUnknownChannel for an SSRC
  // that is none of ours.
  Result<MediaPacket> OnMedia(MutableBytes datagram, Instant now);
  // OnTick is due about once a second.
  void OnTick(Instant now);

  const Keyring& keyring() const { return keyring_; }
  std::span<const std::optional<Stream>> streams() const {
    return std::span(streams_).first(stream_count_);
  }
  const Discards& key_discards() const { return key_discards_; }
  const Discards& media_discards() const { return media_discards_; }
  // Media packets refused while at least one MTK was held: whoever joins late opens everything from
  // its first key on.
  uint64_t refused_since_key() const { return refused_since_key_; }

 private:
  std::optional<size_t> StreamOf(Ssrc ssrc) const;
  Result<MediaPacket> Open(MutableBytes datagram, Instant now);

  Keyring keyring_;
  std::array<std::optional<Stream>, mikey::kMaxStreams> streams_;
  size_t stream_count_ = 0;
  Discards key_discards_{};
  Discards media_discards_{};
  uint64_t refused_since_key_ = 0;
};

// IsRtcp tells RTCP from RTP by the second octet: 192..223 are RTCP packet types (RFC 5761 §4).
bool IsRtcp(ByteView datagram);

}  // namespace keymast::receiver
