// SPDX-License-Identifier: Apache-2.0
#include "receiver/core.h"

#include "base/cursor.h"

namespace keymast::receiver {
namespace {

template <class T>
Result<T> Count(Discards& discards, Result<T> result) {
  if (!result) ++discards[static_cast<size_t>(result.error())];
  return result;
}

// RTP names its SSRC behind sequence number and time stamp (RFC 3550 §5.1), RTCP behind its length
// (§6.4.1).
Result<Ssrc> SsrcOf(ByteView datagram, bool rtcp) {
  Reader reader(datagram);
  reader.Take(rtcp ? 4 : 8);
  const Ssrc ssrc(reader.U32());
  if (!reader.ok()) return Err(Error::kTruncated);
  return ssrc;
}

}  // namespace

bool IsRtcp(ByteView datagram) {
  return datagram.size() > 1 && datagram[1] >= 192 && datagram[1] <= 223;
}

Core::Core(Keyring keyring, std::span<const Ssrc> ssrcs) : keyring_(std::move(keyring)) {
  KEYMAST_CHECK(ssrcs.size() <= streams_.size());
  for (const Ssrc ssrc : ssrcs) streams_[stream_count_++].emplace(ssrc);
}

std::optional<size_t> Core::StreamOf(Ssrc ssrc) const {
  for (size_t i = 0; i < stream_count_; ++i) {
    if (streams_[i]->ssrc() == ssrc) return i;
  }
  return std::nullopt;
}

Result<MskEvent> Core::OnMsk(ByteView datagram, MutableBytes answer) {
  Result<MskEvent> event = Count(key_discards_, keyring_.OnMsk(datagram, answer));
  if (event) {
    for (size_t i = 0; i < stream_count_; ++i) streams_[i]->Prune(keyring_);
  }
  return event;
}

Result<MtkEvent> Core::OnMtk(ByteView datagram, Instant now,
                             const std::optional<MtkSigner>& signer) {
  return Count(key_discards_, keyring_.OnMtk(datagram, now, signer));
}

Status Core::OnJoin(const mikey::v2::Streams& streams, const mikey::v2::Contents& contents,
                    Instant now) {
  const Status joined = keyring_.OnJoin(streams, contents, now);
  if (!joined) ++key_discards_[static_cast<size_t>(joined.error())];
  for (size_t i = 0; i < stream_count_; ++i) streams_[i]->Prune(keyring_);
  return joined;
}

Result<MediaPacket> Core::OnMedia(MutableBytes datagram, Instant now) {
  Result<MediaPacket> packet = Count(media_discards_, Open(datagram, now));
  if (!packet && keyring_.mtks().held() > 0) ++refused_since_key_;
  return packet;
}

Result<MediaPacket> Core::Open(MutableBytes datagram, Instant now) {
  if (keyring_.retires_at() <= now) OnTick(now);
  MediaPacket packet;
  packet.rtcp = IsRtcp(datagram);
  const Result<Ssrc> ssrc = SsrcOf(datagram, packet.rtcp);
  if (!ssrc) return Err(ssrc.error());
  const std::optional<size_t> stream = StreamOf(*ssrc);
  if (!stream) return Err(Error::kUnknownChannel);
  packet.stream = *stream;
  const Result<size_t> length = packet.rtcp ? streams_[*stream]->OnRtcp(datagram, keyring_, now)
                                            : streams_[*stream]->OnRtp(datagram, keyring_, now);
  if (!length) return Err(length.error());
  packet.length = *length;
  packet.msk = streams_[*stream]->opened_under();
  return packet;
}

void Core::OnTick(Instant now) {
  keyring_.OnTick(now);
  for (size_t i = 0; i < stream_count_; ++i) streams_[i]->Prune(keyring_);
}

}  // namespace keymast::receiver
