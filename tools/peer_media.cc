// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_media.h"

namespace keymast::tools {
namespace {

uint32_t Draw(crypto::Rng& rng) {
  std::array<uint8_t, 4> octets{};
  rng.Fill(octets);
  return Reader(octets).U32();
}

// RFC 3550 §5.1, §6.4.1.
std::optional<Ssrc> SsrcIn(ByteView packet, bool is_rtcp) {
  Reader reader(packet);
  reader.Take(is_rtcp ? 4 : 8);
  const Ssrc ssrc(reader.U32());
  return reader.ok() ? std::optional(ssrc) : std::nullopt;
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

Status CallMedia::UseKey(size_t stream, bool is_ours, const StreamKey& key) {
  CallStream& used = streams_.at(stream);
  has_authenticated_ = false;
  if (is_ours) {
    if (key.ssrc != used.sender.ssrc()) return Err(Error::kPolicyViolation);
    return used.sender.UseKey(key);
  }
  if (!used.receiver || used.receiver->ssrc() != key.ssrc) {
    used.receiver.emplace(key.ssrc);
    used.expected.emplace(*used.codec, key.ssrc);
  }
  return used.receiver->AddKey(key);
}

void CallMedia::ForgetKeys() {
  held_.clear();
  for (CallStream& stream : streams_) {
    stream.sender.ForgetKey();
    if (stream.receiver) stream.receiver->ForgetKeys();
  }
}

void CallMedia::set_held(bool held) {
  is_held_ = held;
  if (held) return;
  for (PlainPacket& packet : held_) plain_.push_back(std::move(packet));
  held_.clear();
}

Result<Bytes> CallMedia::Protect(size_t stream, ByteView packet) {
  CallStream& used = streams_.at(stream);
  if (!used.sends) return Err(Error::kPolicyViolation);
  if (packet.size() > kMaxMediaPacket) return Err(Error::kTooLong);
  Bytes octets(packet.begin(), packet.end());
  octets.resize(packet.size() + srtpio::kMaxTrailer);
  const Result<size_t> length = used.sender.Protect(octets, packet.size());
  if (!length) return Err(length.error());
  octets.resize(*length);
  ++used.sent;
  return octets;
}

Status CallMedia::OnPacket(MutableBytes packet, bool is_rtcp) {
  const std::optional<Ssrc> ssrc = SsrcIn(packet, is_rtcp);
  Status opened = Err(Error::kUnknownKey);
  for (size_t i = 0; i < streams_.size() && ssrc; ++i) {
    const CallStream& stream = streams_[i];
    if (stream.receiver && stream.receiver->ssrc() == *ssrc) opened = Open(i, packet, is_rtcp);
  }
  if (!opened) ++refused_;
  return opened;
}

Status CallMedia::Open(size_t index, MutableBytes packet, bool is_rtcp) {
  CallStream& stream = streams_[index];
  if (!stream.receives) return Err(Error::kPolicyViolation);
  const Result<size_t> length =
      is_rtcp ? stream.receiver->OnRtcp(packet) : stream.receiver->OnRtp(packet);
  if (!length) return Err(length.error());
  has_authenticated_ = true;
  if (is_rtcp) {
    ++stream.rtcp;
    return {};
  }
  const ByteView plain = packet.first(*length);
  ++stream.received;
  Reader reader(plain);
  reader.Take(4);
  const uint32_t timestamp = reader.U32();
  if (stream.expected->IsIt(timestamp, plain.subspan(kRtpHeader))) ++stream.tone;
  PlainPacket taken{index, Bytes(plain.begin(), plain.end())};
  if (!is_held_) {
    plain_.push_back(std::move(taken));
    return {};
  }
  ++early_;
  held_.push_back(std::move(taken));
  if (held_.size() > kMaxHeld) held_.pop_front();
  return {};
}

}  // namespace keymast::tools
