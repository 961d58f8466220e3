// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_media.h"

namespace keymast::tools {
namespace {

uint32_t Draw(crypto::Rng& rng) {
  std::array<uint8_t, 4> octets{};
  rng.Fill(octets);
  return Reader(octets).U32();
}

uint16_t SequenceIn(ByteView rtp) { return Reader(rtp.subspan(2)).U16(); }
uint32_t TimestampIn(ByteView rtp) { return Reader(rtp.subspan(4)).U32(); }

// RFC 3550 §5.1, §6.4.1.
constexpr size_t kSsrcInRtp = 8;
constexpr size_t kSsrcInRtcp = 4;

std::optional<Ssrc> SsrcIn(ByteView packet, size_t at) {
  Reader reader(packet);
  reader.Take(at);
  const Ssrc ssrc(reader.U32());
  return reader.ok() ? std::optional(ssrc) : std::nullopt;
}

// PayloadOf an RTP packet, without padding (RFC 3550 §5.1, §5.3.1); nothing of one that is not well
// formed.
ByteView PayloadOf(ByteView packet) {
  constexpr uint8_t kPadding = 0x20;
  constexpr uint8_t kExtension = 0x10;
  Reader reader(packet);
  const uint8_t first = reader.U8();
  reader.Take(kRtpHeader - 1 + 4u * (first & 0x0f));
  if ((first & kExtension) != 0) {
    reader.U16();  // which one
    reader.Take(4u * reader.U16());
  }
  const ByteView payload = reader.rest();
  if (!reader.ok()) return {};
  const size_t padding = (first & kPadding) != 0 && !payload.empty() ? payload.back() : 0;
  return payload.first(payload.size() - std::min(padding, payload.size()));
}

}  // namespace

Ssrc CallMedia::DrawSsrc() {
  while (true) {
    const Ssrc ssrc(Draw(rng_));
    const bool is_taken = std::ranges::any_of(streams_, [ssrc](const CallStream& stream) {
      return stream.sender.ssrc() == ssrc || (stream.receiver && stream.receiver->ssrc() == ssrc);
    });
    if (ssrc.value != 0 && !is_taken) return ssrc;  // MIKEYv2 §3.3: 0 names none
  }
}

CallStream& CallMedia::Add(sdp::Direction direction, const ToneCodec& codec) {
  const auto first = static_cast<uint16_t>(Draw(rng_) & 0x7fff);
  return streams_.emplace_back(direction, codec, DrawSsrc(), first);
}

void CallMedia::BeginExchange() {
  for (CallStream& stream : streams_) {
    if (stream.receiver) stream.receiver->BeginExchange();
  }
}

bool CallMedia::has_authenticated() const {
  return std::ranges::any_of(streams_, [](const CallStream& stream) {
    return stream.receiver && stream.receiver->is_confirmed();
  });
}

Status CallMedia::UseKey(size_t stream, bool is_ours, const StreamKey& key) {
  CallStream& used = streams_.at(stream);
  if (is_ours) {
    if (key.ssrc != used.sender.ssrc()) return Err(Error::kPolicyViolation);
    return used.sender.UseKey(key);
  }
  if (!used.receiver || used.receiver->ssrc() != key.ssrc) {
    used.receiver.emplace(key.ssrc);
    used.expected.emplace(*used.codec, key.ssrc);
    used.reception.emplace(used.codec->rate);
  }
  return used.receiver->AddKey(key);
}

void CallMedia::ForgetKeys() {
  held_.clear();
  for (CallStream& stream : streams_) {
    stream.sender.ForgetKey();
    if (stream.receiver) stream.receiver->ForgetKeys();
    if (stream.reception) stream.reception.emplace(stream.codec->rate);
  }
}

void CallMedia::set_held(bool held) {
  is_held_ = held;
  if (held) return;
  for (PlainPacket& packet : held_) plain_.push_back(std::move(packet));
  held_.clear();
}

Result<Bytes> CallMedia::Protect(size_t stream, ByteView packet, Instant now) {
  CallStream& used = streams_.at(stream);
  if (!used.sends) return Err(Error::kPolicyViolation);
  if (packet.size() > kMaxMediaPacket) return Err(Error::kTooLong);
  Bytes octets(packet.begin(), packet.end());
  octets.resize(packet.size() + srtpio::kMaxTrailer);
  const Result<size_t> length = used.sender.Protect(octets, packet.size());
  if (!length) return Err(length.error());
  octets.resize(*length);
  ++used.sent;
  used.sent_octets += PayloadOf(packet).size();
  used.last_timestamp = TimestampIn(packet);
  used.last_sent = now;
  return octets;
}

Result<Bytes> CallMedia::ProtectRtcp(size_t stream, ByteView compound) {
  CallStream& used = streams_.at(stream);
  Bytes octets(compound.begin(), compound.end());
  octets.resize(compound.size() + srtpio::kMaxTrailer);
  const Result<size_t> length = used.sender.ProtectRtcp(octets, compound.size());
  if (!length) return Err(length.error());
  octets.resize(*length);
  return octets;
}

// Open a packet by its SSRC, under the keys of whose stream that is.
Result<CallMedia::Opened> CallMedia::Open(MutableBytes packet, size_t ssrc_at, Way way) {
  const std::optional<Ssrc> ssrc = SsrcIn(packet, ssrc_at);
  Result<Opened> opened = Err(Error::kUnknownKey);
  for (size_t i = 0; i < streams_.size() && ssrc; ++i) {
    CallStream& stream = streams_[i];
    if (!stream.receiver || stream.receiver->ssrc() != *ssrc) continue;
    opened = Err(Error::kPolicyViolation);
    if (!stream.receives) break;
    const Result<size_t> length = ((*stream.receiver).*way)(packet);
    opened = length ? Result<Opened>(Opened{i, packet.first(*length)}) : Err(length.error());
    break;
  }
  if (!opened) ++refused_;
  return opened;
}

Result<CallMedia::Opened> CallMedia::OpenRtcp(MutableBytes packet) {
  return Open(packet, kSsrcInRtcp, &SrtpReceiver::OnRtcp);
}

Status CallMedia::OnRtp(MutableBytes packet, Instant now) {
  const Result<Opened> opened = Open(packet, kSsrcInRtp, &SrtpReceiver::OnRtp);
  if (!opened) return Err(opened.error());
  Take(opened->stream, opened->plain, now);
  return {};
}

void CallMedia::Take(size_t index, ByteView plain, Instant now) {
  CallStream& stream = streams_[index];
  ++stream.received;
  const uint32_t timestamp = TimestampIn(plain);
  stream.reception->OnPacket(SequenceIn(plain), timestamp, now);
  if (stream.expected->IsIt(timestamp, plain.subspan(kRtpHeader))) ++stream.tone;
  PlainPacket taken{index, Bytes(plain.begin(), plain.end())};
  if (!is_held_) {
    plain_.push_back(std::move(taken));
    return;
  }
  ++early_;
  held_.push_back(std::move(taken));
  if (held_.size() > kMaxHeld) held_.pop_front();
}

}  // namespace keymast::tools
