// SPDX-License-Identifier: Apache-2.0
// Keys that a join by MIKEYv2 brings.
#include "base/cursor.h"
#include "receiver/keyring.h"
#include "srtp/policy.h"

namespace keymast::receiver {
namespace {

using mikey::KeyDataPayload;
using mikey::KeyDataType;

constexpr size_t kMostParams = 32;

// ProfileOf the streams: all are under one MTK, and so of one profile (MIKEYv2 §9, §10).
Result<SrtpProfile> ProfileOf(const mikey::v2::Streams& streams) {
  if (streams.policies.size() != 1) return Err(Error::kUnsupportedPolicy);
  std::array<srtp::PolicyParam, kMostParams> params{};
  size_t count = 0;
  Reader reader(streams.policies[0].params.view());
  while (!reader.empty() && count < params.size()) {
    const uint8_t type = reader.U8();
    if (reader.U8() != 1) return Err(Error::kUnsupportedPolicy);
    params[count++] = {type, reader.U8()};
  }
  if (!reader.Finish()) return Err(Error::kUnsupportedPolicy);
  return srtp::ProfileFromParams(std::span(params).first(count));
}

Result<MtkId> MtkIdOf(ByteView octets) {
  if (octets.size() != 2) return Err(Error::kMalformed);
  return MtkId(static_cast<uint16_t>(Reader(octets).U16()));
}

}  // namespace

Result<MtkSlot> Keyring::MtkOf(const KeyDataPayload& key, SrtpProfile profile, Instant now) const {
  const srtp::ProfileInfo& info = srtp::InfoOf(profile);
  const bool fits = key.key.size() == info.key_length && key.salt.size() == info.salt_length &&
                    key.kv.spi.size() == mki_length();
  if (!fits) return Err(Error::kMalformed);
  Reader spi(key.kv.spi);
  MtkSlot slot;
  slot.msk = MskId::FromValue(spi.U32());
  slot.mtk = MtkId(static_cast<uint16_t>(spi.U16()));
  slot.key = crypto::Key32(key.key);
  slot.salt = crypto::Salt14(key.salt);
  slot.profile = profile;
  slot.installed_at = now;
  slot.mki = Octets<9>(key.kv.spi);
  return slot;
}

Result<MskSlot> Keyring::MskOf(const KeyDataPayload& key, const mikey::v2::MskState& state) const {
  const Result<MtkId> low = MtkIdOf(key.kv.from);
  const Result<MtkId> high = MtkIdOf(key.kv.to);
  if (!low || !high) return Err(Error::kMalformed);
  MskSlot slot;
  slot.id = MskId::FromValue(state.msk);
  if (!Equal(state.domain, scope_.domain.octets) || slot.id.group != scope_.group) {
    return Err(Error::kUnknownChannel);
  }
  if (slot.id.number == KeyNumber(0)) return Err(Error::kMalformed);
  slot.key = crypto::Key32(key.key);
  slot.low = *low;
  slot.high = *high;
  slot.mtk_counter = state.counter;
  return slot;
}

Result<Keyring::Brought> Keyring::Read(const mikey::v2::Streams& streams,
                                       const mikey::v2::Contents& contents, Instant now) const {
  const Result<SrtpProfile> profile = ProfileOf(streams);
  if (!profile) return Err(profile.error());
  if (!contents.csb_id) return Err(Error::kMalformed);
  Brought brought;
  for (const KeyDataPayload& key : contents.keys) {
    if (key.type == KeyDataType::kTgk) {
      const size_t k = brought.msks.size();  // its state and RAND are the k-th (MIKEYv2 §3.5)
      if (k >= contents.msks.size()) return Err(Error::kMalformed);
      Result<MskSlot> slot = MskOf(key, contents.msks[k]);
      if (!slot) return Err(slot.error());
      slot->rand = Octets<255>(contents.rands[k]);
      slot->csb_id = *contents.csb_id;
      slot->profile = *profile;
      for (const mikey::CsbSession& session : streams.sessions) {
        slot->streams[slot->stream_count++] = {0, session.ssrc, session.roc};
      }
      brought.msks.Add(*slot);
    } else if (key.type == KeyDataType::kMtk) {
      const Result<MtkSlot> slot = MtkOf(key, *profile, now);
      if (!slot) return Err(slot.error());
      const bool is_under = std::ranges::any_of(brought.msks, [&](const MskSlot& msk) {
        return msk.id == slot->msk && msk.low <= slot->mtk && slot->mtk <= msk.high;
      });
      if (!is_under) return Err(Error::kMalformed);
      brought.mtks.Add(*slot);
    }
  }
  const bool is_whole = !brought.msks.empty() && !brought.mtks.empty();
  return is_whole ? Result<Brought>(brought) : Err(Error::kMalformed);
}

Keyring::Standing Keyring::StandingOf(const mikey::v2::Contents& contents) {
  Standing standing{*contents.csb_id, {}, 0};
  if (!contents.member) return standing;
  std::copy_n(contents.member->tree_id.begin(), standing.tree_id.size(), standing.tree_id.begin());
  standing.epoch = contents.member->epoch;
  return standing;
}

// MIKEYv2 §10: of the tree id that it holds a member installs nothing of a lower epoch, or of the
// same one and a lower Key Number, and what has retired under none.
Status Keyring::CheckStanding(const Standing& standing, const Brought& brought) const {
  if (!standing_ || !standing_->IsSameGroup(standing)) return {};
  if (standing.epoch < standing_->epoch) return Err(Error::kReplayed);
  KeyNumber least = oldest_;
  for (const MskSlot& held : msks_.all()) {
    if (held.order != 0 && standing.epoch == standing_->epoch) {
      least = std::max(least, held.id.number);
    }
  }
  const bool is_newer =
      std::ranges::any_of(brought.msks, [&](const MskSlot& msk) { return msk.id.number >= least; });
  return is_newer ? Status() : Err(Error::kReplayed);
}

// LetGoBut keeps of the keys of another tree what this one has, too: its Key Numbers tell nothing
// of theirs.
void Keyring::LetGoBut(const Brought& brought, Instant now) {
  const auto is_gone = [&](MskId id) {
    return std::ranges::none_of(brought.msks, [&](const MskSlot& msk) { return msk.id == id; });
  };
  for (const MskSlot& held : msks_.all()) {
    if (held.order != 0 && is_gone(held.id)) msks_.Remove(held.id);
  }
  if (mtks_.RetireIf(is_gone, now) && retires_at_ == kNever) {
    retires_at_ = now + MtkSlots::kRetireTime;
  }
  oldest_ = {};
}

Status Keyring::OnJoin(const mikey::v2::Streams& streams, const mikey::v2::Contents& contents,
                       Instant now) {
  const Result<Brought> brought = Read(streams, contents, now);
  if (!brought) return Err(brought.error());
  const Standing standing = StandingOf(contents);
  if (Status checked = CheckStanding(standing, *brought); !checked) return checked;
  if (standing_ && !standing_->IsSameGroup(standing)) LetGoBut(*brought, now);
  standing_ = standing;
  oldest_ = std::max(oldest_, brought->msks[0].id.number);
  for (const MskSlot& msk : brought->msks) {
    if (msk.id.number >= oldest_) Install(msk);
  }
  for (const MtkSlot& mtk : brought->mtks) {
    const MskSlot* msk = msks_.Find(mtk.msk);
    const bool is_past = msk == nullptr || mtk.mtk <= msk->floor;
    if (!is_past && mtks_.Find(mtk.msk, mtk.mtk) == nullptr) Install(mtk);
  }
  return {};
}

}  // namespace keymast::receiver
