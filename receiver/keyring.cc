// SPDX-License-Identifier: Apache-2.0
#include "receiver/keyring.h"

#include "base/check.h"
#include "base/cursor.h"
#include "mikey/v2/mtk_signature.h"
#include "srtp/policy.h"

namespace keymast::receiver {
namespace {

Result<SrtpProfile> ProfileOf(const mikey::OpenedMsk& opened) {
  std::array<srtp::PolicyParam, 32> params{};
  static_assert(std::tuple_size_v<decltype(opened.policy)> == params.size());
  for (size_t i = 0; i < opened.policy_count; ++i) {
    params[i] = {opened.policy[i].type, opened.policy[i].value};
  }
  return srtp::ProfileFromParams(std::span(params).first(opened.policy_count));
}

}  // namespace

Keyring::Keyring(const crypto::Suite& suite, const mikey::Profile3gpp& profile,
                 const KeyScope& scope, const Credential& credential,
                 std::span<const SenderCounter> counters)
    : suite_(suite), profile_(profile), scope_(scope), credential_(credential) {
  KEYMAST_CHECK(counters.size() <= kMaxSenders);
  std::copy(counters.begin(), counters.end(), senders_.begin());
  sender_count_ = counters.size();
}

std::span<const SenderCounter> Keyring::counters() const {
  return std::span(senders_).first(sender_count_);
}

const SenderCounter* Keyring::FindSender(ByteView idi) const {
  for (const SenderCounter& sender : counters()) {
    if (Equal(sender.idi.view(), idi)) return &sender;
  }
  return nullptr;
}

void Keyring::CountSender(ByteView idi, uint32_t counter) {
  for (SenderCounter& sender : std::span(senders_).first(sender_count_)) {
    if (Equal(sender.idi.view(), idi)) {
      sender.highest = counter;
      return;
    }
  }
  senders_[sender_count_++] = {Octets<255>(idi), counter};
}

// The checks that cost nothing, in the order of TS 33.246 §6.4.6.1: channel, identities, COUNTER.
Status Keyring::CheckMsk(const mikey::Unverified& message) const {
  if (message.kind != mikey::MessageKind::kMsk) return Err(Error::kUnexpected);
  if (message.ids.domain != scope_.domain || message.ids.msk.group != scope_.group) {
    return Err(Error::kUnknownChannel);
  }
  // Key Number 0 stands for "the current MSK" in requests and names no key (TS 33.246 §6.3.2.1).
  if (message.ids.msk.number.value == 0) return Err(Error::kMalformed);
  if (message.ids.msk.number < oldest_) return Err(Error::kReplayed);
  // A name that begins with an octet 0 is none (receiver/counter_file.h).
  const bool is_named = !message.idi.empty() && message.idi[0] != 0;
  if (!Equal(message.idr, credential_.identity.view()) || !is_named) {
    return Err(Error::kUnknownIdentity);
  }
  const SenderCounter* sender = FindSender(message.idi);
  if (sender == nullptr && sender_count_ == kMaxSenders) return Err(Error::kUnknownIdentity);
  // Each MSK message, a repetition too, has a COUNTER above all before it (TS 33.246 §6.4.3).
  if (sender != nullptr && message.counter <= sender->highest) return Err(Error::kReplayed);
  return {};
}

Result<MskEvent> Keyring::OnMsk(ByteView datagram, MutableBytes answer) {
  const Result<mikey::Unverified> message = mikey::Inspect(datagram);
  if (!message) return Err(message.error());
  if (const Status checked = CheckMsk(*message); !checked) return Err(checked.error());
  // RFC 3830 §5.3: only what the MAC proves may change anything.
  const Result<mikey::OpenedMsk> opened =
      mikey::OpenMsk(suite_, profile_, *message, credential_.user_key.view());
  if (!opened) return Err(opened.error());
  const Result<SrtpProfile> profile = ProfileOf(*opened);
  if (!profile) return Err(profile.error());

  MskEvent event;
  event.id = message->ids.msk;
  if (message->wants_verification) {
    const Result<size_t> size = Answer(*message, *opened, answer);
    if (!size) return Err(size.error());
    event.answer_size = *size;
  }
  CountSender(message->idi, message->counter);
  event.deleted = opened->low > opened->high;
  event.is_new = Apply(*message, *opened, *profile);
  return event;
}

Result<size_t> Keyring::Answer(const mikey::Unverified& message, const mikey::OpenedMsk& opened,
                               MutableBytes answer) const {
  return mikey::WriteVerification(suite_, profile_, mikey::VerificationOf(message, opened),
                                  credential_.user_key.view(), answer);
}

bool Keyring::Apply(const mikey::Unverified& message, const mikey::OpenedMsk& opened,
                    SrtpProfile profile) {
  const MskId id = message.ids.msk;
  // SEQl above SEQu leaves no MTK ID to take: the MSK is given up (TS 33.246 §6.3.2.1). MTKs in
  // use go on until the stream leaves them.
  if (opened.low > opened.high) {
    msks_.Remove(id);
    return false;
  }
  MskSlot slot;
  slot.id = id;
  slot.key = opened.msk;
  slot.rand = Octets<255>(message.rand);
  slot.csb_id = message.csb_id;
  slot.low = opened.low;
  slot.high = opened.high;
  slot.profile = profile;
  slot.streams = opened.streams;
  slot.stream_count = opened.stream_count;
  return Install(slot);
}

bool Keyring::Install(MskSlot slot) {
  const bool any_before = msks_.Newest() != nullptr;
  if (const MskSlot* held = msks_.Find(slot.id)) {
    const bool same = held->key == slot.key && held->rand == slot.rand;
    if (same) {  // a repetition, or the interval was moved: what is past stays past
      slot.mtk_counter = std::max(slot.mtk_counter, held->mtk_counter);
      slot.floor = held->floor;
      slot.highest = held->highest;
    } else {
      mtks_.RemoveUnder(slot.id);
    }
  }
  const bool is_new = msks_.Install(slot);
  if (is_new && any_before) ++msk_changes_;
  return is_new;
}

// TS 33.246 §6.4.6.2: COUNTER first, then the MTK ID against the interval, then the MAC.
Status Keyring::CheckMtk(const mikey::Unverified& message, const MskSlot& msk) const {
  const MtkId mtk = *message.ids.mtk;
  if (message.csb_id != msk.csb_id) return Err(Error::kWrongCsb);
  if (msk.mtk_counter && message.counter <= *msk.mtk_counter) return Err(Error::kReplayed);
  const MtkId above = profile_.strict_seqs ? msk.highest : msk.floor;
  if (mtks_.Find(msk.id, mtk) != nullptr) return Err(Error::kAlreadyHeld);
  if (mtk.value == 0 || mtk < msk.low || mtk > msk.high || mtk <= above) {
    return Err(Error::kOutsideInterval);
  }
  return {};
}

Result<mikey::OpenedMtk> Keyring::OpenMtk(const mikey::Unverified& message, const MskSlot& msk,
                                          const std::optional<MtkSigner>& signer) const {
  if (!signer) return mikey::OpenMtk(suite_, profile_, message, msk.key.view(), msk.rand.view());
  if (signer->key == nullptr) return Err(Error::kUnknownKey);
  const mikey::v2::VerificationKey verifier{signer->id, *signer->key};
  return mikey::v2::OpenSignedMtk(suite_, profile_, message, msk.key.view(), msk.rand.view(),
                                  verifier);
}

Result<MtkEvent> Keyring::OnMtk(ByteView datagram, Instant now,
                                const std::optional<MtkSigner>& signer) {
  const Result<mikey::Unverified> message = mikey::Inspect(datagram);
  if (!message) return Err(message.error());
  if (message->kind != mikey::MessageKind::kMtk) return Err(Error::kUnexpected);
  if (message->ids.domain != scope_.domain || message->ids.msk.group != scope_.group) {
    return Err(Error::kUnknownChannel);
  }
  // MIKEYv2 §10: from the retirement of an MSK on no MTK message under it is taken; it is not
  // unknown, and so nothing is missing.
  if (message->ids.msk.number < oldest_) return Err(Error::kReplayed);
  const MskSlot* msk = msks_.Find(message->ids.msk);
  if (msk == nullptr) return Err(Error::kUnknownKey);
  if (const Status checked = CheckMtk(*message, *msk); !checked) return Err(checked.error());
  const Result<mikey::OpenedMtk> opened = OpenMtk(*message, *msk, signer);
  if (!opened) return Err(opened.error());
  const srtp::ProfileInfo& info = srtp::InfoOf(msk->profile);
  if (opened->key.size() != info.key_length || opened->salt.size() != info.salt_length) {
    return Err(Error::kUnsupportedPolicy);
  }
  Install(*message, *opened, msk->profile, now);
  return MtkEvent{message->ids.msk, *message->ids.mtk};
}

void Keyring::Install(const mikey::Unverified& message, const mikey::OpenedMtk& opened,
                      SrtpProfile profile, Instant now) {
  MtkSlot slot;
  slot.msk = message.ids.msk;
  slot.mtk = *message.ids.mtk;
  slot.key = opened.key;
  slot.salt = opened.salt;
  slot.profile = profile;
  slot.installed_at = now;
  std::array<uint8_t, 9> mki{};
  const size_t length = mikey::WriteMki(profile_, message.ids, mki);
  slot.mki = Octets<9>(ByteView(mki).first(length));

  msks_.Find(slot.msk)->mtk_counter = message.counter;
  Install(slot);
}

void Keyring::Install(const MtkSlot& slot) {
  MskSlot* msk = msks_.Find(slot.msk);
  msk->highest = std::max(msk->highest, slot.mtk);
  MtkSlot evicted;
  mtks_.Install(slot, evicted);
  if (evicted.serial != 0) RaiseFloor(evicted);
}

void Keyring::OnTick(Instant now) {
  MtkSlot gone;
  while (mtks_.Retire(now, msks_, gone)) RaiseFloor(gone);
  if (retires_at_ <= now) retires_at_ = kNever;
}

void Keyring::Used(uint64_t serial, Instant now) {
  if (const MtkSlot* used = mtks_.Used(serial, now)) RetireBelow(used->msk.number, now);
}

// RetireBelow is MIKEYv2 §10 for who joined by it: an MSK retires with the first use of the next
// one. In 3GPP form an MSK stays until its interval or a third one ends it (TS 33.246 §6.3.2.1).
void Keyring::RetireBelow(KeyNumber number, Instant now) {
  if (oldest_.value == 0) return;
  oldest_ = std::max(oldest_, number);
  for (const MskSlot& msk : msks_.all()) {
    if (msk.order != 0 && msk.id.number < number) msks_.Remove(msk.id);
  }
  if (mtks_.RetireBelow(number, now) && retires_at_ == kNever) {
    retires_at_ = now + MtkSlots::kRetireTime;
  }
}

std::optional<KeyNumber> Keyring::NumberOf(ByteView mki) const {
  if (mki.size() != mki_length()) return std::nullopt;
  Reader reader(mki);
  if (profile_.mki_with_domain) reader.Take(scope_.domain.octets.size());
  const MskId msk = MskId::FromValue(reader.U32());
  return msk.group == scope_.group ? std::optional(msk.number) : std::nullopt;
}

// A key that was let go is past: a recorded message must not bring it back.
void Keyring::RaiseFloor(const MtkSlot& gone) {
  if (MskSlot* msk = msks_.Find(gone.msk)) msk->floor = std::max(msk->floor, gone.mtk);
}

std::optional<Roc> Keyring::RocHint(Ssrc ssrc) const {
  const MskSlot* best = nullptr;
  Roc roc;
  for (const MskSlot& msk : msks_.all()) {
    if (msk.order == 0 || (best != nullptr && best->order > msk.order)) continue;
    for (const mikey::StreamSync& stream : std::span(msk.streams).first(msk.stream_count)) {
      if (stream.ssrc != ssrc) continue;
      best = &msk;
      roc = stream.roc;
    }
  }
  if (best == nullptr) return std::nullopt;
  return roc;
}

}  // namespace keymast::receiver
