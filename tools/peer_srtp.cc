// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_srtp.h"

#include "srtp/policy.h"
#include "tools/peer_tone.h"

namespace keymast::tools {
namespace {

using mikey::v2::Profiles;
using mikey::v2::UnicastSession;
using srtpio::Session;

Result<SrtpProfile> ProfileOf(ByteView params, const Profiles& profiles) {
  for (const uint16_t number : profiles) {
    const Result<SrtpProfile> profile = srtp::ProfileFromNumber(number);
    if (!profile) return profile;
    if (Equal(PolicyParams(*profile), params)) return *profile;
  }
  return Err(Error::kMalformed);
}

const mikey::CsbPolicy* PolicyOf(const UnicastSession& session, uint8_t number) {
  for (const mikey::CsbPolicy& policy : session.policies) {
    if (policy.number == number) return &policy;
  }
  return nullptr;
}

uint16_t SequenceIn(ByteView packet) {
  return static_cast<uint16_t>(packet[2] << 8 | packet[3]);  // RFC 3550 §5.1
}

}  // namespace

Bytes PolicyParams(SrtpProfile profile) {
  Bytes params;
  for (const srtp::PolicyParam& param : srtp::ParamsOf(profile)) {
    params.insert(params.end(), {param.type, 1, param.value});
  }
  return params;
}

Result<std::vector<StreamKey>> KeysOf(const crypto::Suite& suite, const UnicastSession& session,
                                      const Profiles& profiles) {
  std::vector<StreamKey> keys;
  for (const mikey::CsbSession& stream : session.sessions) {
    const mikey::CsbPolicy* policy = PolicyOf(session, stream.policy);
    if (policy == nullptr) return Err(Error::kMalformed);
    const Result<SrtpProfile> profile = ProfileOf(policy->params.view(), profiles);
    if (!profile) return Err(profile.error());
    const srtp::ProfileInfo& info = srtp::InfoOf(*profile);
    StreamKey key;
    key.cs_id = stream.cs_id;
    key.ssrc = stream.ssrc;
    key.key.profile = *profile;
    key.key.master_key = crypto::Key32::OfSize(info.key_length);
    key.key.master_salt = crypto::Salt14::OfSize(info.salt_length);
    session.TrafficKeys(suite, stream.cs_id, key.key.master_key.mutable_view(),
                        key.key.master_salt.mutable_view());
    const ByteView mki = stream.spi.view();
    key.key.mki.assign(mki.begin(), mki.end());
    if (stream.has_seq) key.at = srtp::MakeIndex(stream.roc, stream.seq);
    keys.push_back(std::move(key));
  }
  return keys;
}

std::optional<PacketIndex> SrtpSender::at() const {
  if (next_ == first_) return std::nullopt;
  return PacketIndex(next_);
}

Status SrtpSender::UseKey(const StreamKey& key) {
  Result<Session> made = Session::Create(key.key, ssrc_, Session::Direction::kSend);
  if (!made) return Err(made.error());
  session_ = std::move(*made);
  return {};
}

Result<size_t> SrtpSender::Protect(MutableBytes packet, size_t length) {
  if (!session_) return Err(Error::kUnknownKey);
  if (length < kRtpHeader || length > packet.size() || packet[0] >> 6 != 2) {
    return Err(Error::kMalformed);
  }
  if (next_ > srtp::kIndexMask) return Err(Error::kIndexExhausted);
  const PacketIndex index(next_);
  Writer sequence(packet.subspan(2));
  sequence.U16(srtp::SequenceOf(index));
  Writer(packet.subspan(8)).U32(ssrc_.value);
  session_->SetRoc(srtp::RocOf(index));
  const Result<size_t> protected_length = session_->Protect(packet, length);
  if (protected_length) ++next_;
  return protected_length;
}

Result<size_t> SrtpSender::ProtectRtcp(MutableBytes packet, size_t length) {
  return session_ ? session_->ProtectRtcp(packet, length) : Err(Error::kUnknownKey);
}

std::optional<PacketIndex> SrtpReceiver::at() const {
  for (const Held& held : keys_) {
    if (held.highest) return held.highest;
  }
  return std::nullopt;
}

Status SrtpReceiver::AddKey(const StreamKey& key) {
  Result<Session> made = Session::Create(key.key, ssrc_, Session::Direction::kReceive);
  if (!made) return Err(made.error());
  // MIKEYv2 §9: what was told is of before; packets that authenticated since say more.
  Held held{std::move(*made), std::max(key.at, at())};
  keys_.push_front(std::move(held));
  if (keys_.size() > kKeys) keys_.pop_back();
  return {};
}

void SrtpReceiver::BeginExchange() {
  for (Held& held : keys_) held.is_current = false;
}

bool SrtpReceiver::is_confirmed() const {
  return std::ranges::any_of(keys_,
                             [](const Held& held) { return held.is_current && held.has_opened; });
}

// Packets under an older key look like forged ones to a newer one: with another MKI, or none. What
// an AEAD refused is spoilt, so each key starts from a copy.
template <class Open>
Result<size_t> SrtpReceiver::Try(MutableBytes packet, Open open) {
  if (packet.size() > kMaxMediaPacket) return Err(Error::kTooLong);
  if (packet.size() < kRtpHeader || packet[0] >> 6 != 2) return Err(Error::kMalformed);
  const Bytes copy = keys_.size() > 1 ? Bytes(packet.begin(), packet.end()) : Bytes();
  Result<size_t> opened = Err(Error::kUnknownKey);
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (i > 0) std::copy(copy.begin(), copy.end(), packet.begin());
    opened = open(keys_[i]);
    if (!opened) continue;
    keys_[i].has_opened = true;
    break;
  }
  return opened;
}

Result<size_t> SrtpReceiver::OnRtp(MutableBytes packet) {
  return Try(packet, [packet](Held& held) -> Result<size_t> {
    const uint16_t sequence = SequenceIn(packet);
    const PacketIndex index = held.highest ? srtp::EstimateIndex(*held.highest, sequence)
                                           : srtp::MakeIndex(Roc(0), sequence);
    held.session.SetRoc(srtp::RocOf(index));
    const Result<size_t> length = held.session.Unprotect(packet, packet.size());
    if (length) held.highest = std::max(held.highest.value_or(index), index);
    return length;
  });
}

Result<size_t> SrtpReceiver::OnRtcp(MutableBytes packet) {
  return Try(packet,
             [packet](Held& held) { return held.session.UnprotectRtcp(packet, packet.size()); });
}

}  // namespace keymast::tools
