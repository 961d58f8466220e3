// SPDX-License-Identifier: Apache-2.0
#include "receiver/stream.h"

#include "srtp/policy.h"

namespace keymast::receiver {
namespace {

constexpr size_t kRtpHeader = 12;  // RFC 3550 §5.1
constexpr size_t kRtcpHeader = 8;  // RFC 3550 §6.4.1
constexpr int64_t kRocs = int64_t{1} << 32;

// FindKey looks for the MKI where each profile that is held would put it: two profiles are held
// only around an MSK that changes the profile.
Result<const MtkSlot*> FindKey(const Keyring& keyring, ByteView packet, bool rtcp) {
  Error error = Error::kUnknownKey;
  for (const MtkSlot& slot : keyring.mtks().all()) {
    if (slot.serial == 0) continue;
    const ByteView mki = MkiOf(packet, slot.profile, keyring.mki_length(), rtcp);
    if (!mki.empty() && Equal(slot.mki.view(), mki)) return &slot;
    const std::optional<KeyNumber> number = keyring.NumberOf(mki);
    if (number && *number < keyring.oldest()) error = Error::kReplayed;
  }
  return Err(error);
}

// A new tree's Key Numbers may be lower ones: those before are let go of (MIKEYv2 §10).
bool IsOlder(const Keyring& keyring, MskId msk, MskId than) {
  const MskSlots& held = keyring.msks();
  const bool took_its_place = held.Find(msk) != nullptr && held.Find(than) == nullptr;
  return msk.number < than.number && !took_its_place;
}

}  // namespace

std::optional<KeyNumber> NumberUnder(const Keyring& keyring, ByteView packet, bool rtcp) {
  std::optional<KeyNumber> none(0);
  for (const MtkSlot& slot : keyring.mtks().all()) {
    if (slot.serial == 0) continue;
    const auto number = keyring.NumberOf(MkiOf(packet, slot.profile, keyring.mki_length(), rtcp));
    if (number) return number;
    none.reset();
  }
  return none;
}

ByteView MkiOf(ByteView packet, SrtpProfile profile, size_t mki_length, bool rtcp) {
  const srtp::ProfileInfo& info = srtp::InfoOf(profile);
  const size_t tag = rtcp ? info.rtcp_tag_length : info.rtp_tag_length;
  const size_t behind = info.aead ? 0 : tag;
  if (packet.size() < behind + mki_length) return {};
  return packet.subspan(packet.size() - behind - mki_length, mki_length);
}

void Stream::Candidates::Add(int64_t roc) {
  if (roc < 0 || roc >= kRocs || count == rocs.size()) return;
  const Roc value(static_cast<uint32_t>(roc));
  if (std::find(rocs.begin(), rocs.begin() + count, value) != rocs.begin() + count) return;
  rocs[count++] = value;
}

// libsrtp2 takes a ROC of 0 for "none was set" and guesses by itself: then 0 can be tried only
// where its guess is 0 too.
bool Stream::KeySession::CanTry(Roc roc, uint16_t sequence) const {
  return roc.value != 0 || !highest ||
         srtp::RocOf(srtp::EstimateIndex(*highest, sequence)).value == 0;
}

Stream::Candidates Stream::CandidatesFor(uint16_t sequence, const Keyring& keyring,
                                         Instant now) const {
  Candidates candidates;
  if (highest_) {
    const int64_t guess = srtp::RocOf(srtp::EstimateIndex(*highest_, sequence)).value;
    candidates.Add(guess);
    if (now - last_good_ < kLongGap) return candidates;
    candidates.Add(guess + 1);
  }
  // The MSK message says a ROC without a sequence number (RFC 3830 §6.1.1): the stream may have
  // wrapped since, and reordering may bring a packet from before a wrap.
  const int64_t hint = keyring.RocHint(ssrc_).value_or(Roc(0)).value;
  candidates.Add(hint);
  candidates.Add(hint + 1);
  candidates.Add(hint - 1);
  return candidates;
}

Result<Stream::KeySession*> Stream::SessionFor(const Keyring& keyring, const MtkSlot& slot) {
  const auto index = static_cast<size_t>(&slot - keyring.mtks().all().data());
  KeySession& entry = sessions_[index];
  if (entry.serial == slot.serial) return &entry;
  const ByteView mki = slot.mki.view();
  const srtpio::TrafficKey key{slot.profile, slot.key, slot.salt, Bytes(mki.begin(), mki.end())};
  Result<srtpio::Session> made =
      srtpio::Session::Create(key, ssrc_, srtpio::Session::Direction::kReceive);
  if (!made) return Err(made.error());
  entry = {slot.serial, std::move(*made), std::nullopt};
  return &entry;
}

// Opened raises the highest index. Only the first packet under a newer MSK may also lower it: a
// channel that was made anew begins anew, and no packet of before opens under that MSK. One under
// an older MSK moves nothing: whoever was removed has that key.
void Stream::Opened(KeySession& entry, const MtkSlot& slot, PacketIndex index,
                    const Keyring& keyring) {
  entry.highest = std::max(entry.highest.value_or(index), index);
  if (highest_ && IsOlder(keyring, slot.msk, msk_)) return;
  const bool is_newer = msk_ != slot.msk;
  if (highest_ && index <= *highest_ && !is_newer) return;
  highest_ = index;
  msk_ = slot.msk;
}

Result<size_t> Stream::Try(KeySession& entry, const MtkSlot& slot, MutableBytes packet,
                           const Candidates& candidates, const Keyring& keyring) {
  // An AEAD that fails may leave anything in its output, so a second try starts from a copy.
  std::array<uint8_t, kMaxPacket> copy;
  if (candidates.count > 1) std::copy(packet.begin(), packet.end(), copy.begin());
  const auto sequence = static_cast<uint16_t>(packet[2] << 8 | packet[3]);
  Error error = Error::kAuthenticationFailed;
  for (size_t i = 0; i < candidates.count; ++i) {
    if (!entry.CanTry(candidates.rocs[i], sequence)) continue;
    if (i > 0) std::copy(copy.begin(), copy.begin() + packet.size(), packet.begin());
    entry.session->SetRoc(candidates.rocs[i]);
    const Result<size_t> length = entry.session->Unprotect(packet, packet.size());
    if (length) {
      Opened(entry, slot, srtp::MakeIndex(candidates.rocs[i], sequence), keyring);
      return *length;
    }
    if (i == 0) error = length.error();
  }
  return Err(error);
}

Result<size_t> Stream::OnRtp(MutableBytes packet, Keyring& keyring, Instant now) {
  ++counters_.packets;
  if (packet.size() < kRtpHeader) return Err(Error::kTruncated);
  if (packet.size() > kMaxPacket) return Err(Error::kTooLong);
  if (packet[0] >> 6 != 2) return Err(Error::kMalformed);  // RFC 3550 §5.1: version
  const Result<const MtkSlot*> slot = FindKey(keyring, packet, false);
  if (!slot) return Err(slot.error());
  const Result<KeySession*> entry = SessionFor(keyring, **slot);
  if (!entry) return Err(entry.error());
  const auto sequence = static_cast<uint16_t>(packet[2] << 8 | packet[3]);
  const Candidates candidates = CandidatesFor(sequence, keyring, now);
  const Result<size_t> length = Try(**entry, **slot, packet, candidates, keyring);
  if (!length) return Err(length.error());
  ++counters_.opened;
  last_good_ = now;
  opened_under_ = (*slot)->msk;
  keyring.Used((*slot)->serial, now);
  return *length;
}

Result<size_t> Stream::OnRtcp(MutableBytes packet, Keyring& keyring, Instant now) {
  ++counters_.rtcp_packets;
  if (packet.size() < kRtcpHeader) return Err(Error::kTruncated);
  if (packet.size() > kMaxPacket) return Err(Error::kTooLong);
  if (packet[0] >> 6 != 2) return Err(Error::kMalformed);
  const Result<const MtkSlot*> slot = FindKey(keyring, packet, true);
  if (!slot) return Err(slot.error());
  const Result<KeySession*> entry = SessionFor(keyring, **slot);
  if (!entry) return Err(entry.error());
  const Result<size_t> length = (*entry)->session->UnprotectRtcp(packet, packet.size());
  if (!length) return Err(length.error());
  ++counters_.rtcp_opened;
  opened_under_ = (*slot)->msk;
  keyring.UsedByRtcp(**slot, now);
  return *length;
}

void Stream::Prune(const Keyring& keyring) {
  for (size_t i = 0; i < sessions_.size(); ++i) {
    if (sessions_[i].serial != 0 && sessions_[i].serial != keyring.mtks().all()[i].serial) {
      sessions_[i] = KeySession();
    }
  }
}

}  // namespace keymast::receiver
