// SPDX-License-Identifier: Apache-2.0
// What a member holds between packets: where it stands, by what answers and KEYS tell it, and the
// packets that wait for keys (MIKEYv2 §10).
#include "mikey/v2/group_rekey_reader.h"

namespace keymast::mikey::v2 {
namespace {

// KeysOf are the key data of a type, in their order.
FixedList<KeyDataPayload, kMaxGivenKeys> KeysOf(const Contents& contents, KeyDataType type) {
  FixedList<KeyDataPayload, kMaxGivenKeys> found;
  for (const KeyDataPayload& key : contents.keys) {
    if (key.type == type) found.Add(key);
  }
  return found;
}

uint16_t NumberOf(uint32_t msk) { return static_cast<uint16_t>(msk); }

}  // namespace

Status RekeyReader::CheckInstall(const Contents& contents, bool asked) const {
  const auto msks = KeysOf(contents, KeyDataType::kTgk);
  const bool is_told = contents.member.has_value() && msks.size() == contents.msks.size() &&
                       KeysOf(contents, KeyDataType::kVerificationKey).size() <= 1;
  if (!is_told) return Err(Error::kMalformed);
  uint16_t newest = 0;
  for (const MskState& state : contents.msks) {
    const bool is_ours = Equal(state.domain, group_.domain.octets) &&
                         MskId::FromValue(state.msk).group == group_.key_group;
    if (!is_ours) return Err(Error::kUnknownChannel);
    newest = std::max(newest, NumberOf(state.msk));
  }
  if (!installed_) return asked && !msks.empty() ? Status() : Err(Error::kUnexpected);
  if (!Equal(contents.member->tree_id, tree_id_)) {
    return asked && !msks.empty() ? Status() : Err(Error::kUnexpected);
  }
  if (contents.member->epoch < epoch_) return Err(Error::kReplayed);
  if (contents.member->epoch > epoch_ || msks.empty()) return {};
  for (const Msk& msk : msks_) {
    if (newest < msk.id.number.value) return Err(Error::kReplayed);
  }
  return {};
}

Status RekeyReader::Install(const Contents& contents, bool asked, Instant asked_at) {
  if (Status checked = CheckInstall(contents, asked); !checked) return checked;
  const MemberState& member = *contents.member;
  const bool is_new_tree = !installed_ || !Equal(member.tree_id, tree_id_);
  installed_ = true;
  std::copy_n(member.tree_id.begin(), tree_id_.size(), tree_id_.begin());
  epoch_ = member.epoch;
  t_ = std::max(t_, member.rekey_t);
  window_ms_ = member.window_ms;
  const auto msks = KeysOf(contents, KeyDataType::kTgk);
  if (!msks.empty()) msks_.clear();
  for (size_t i = 0; i < msks.size(); ++i) {
    Hold({MskId::FromValue(contents.msks[i].msk), crypto::Key32(msks[i].key)});
  }
  if (is_new_tree) rolled_.reset();
  TakeVerifier(contents, asked ? asked_at : Instant());
  DropPending(is_new_tree);
  return {};
}

// MIKEYv2 §10: a roll that was taken since is newer than what is said of an epoch before it.
void RekeyReader::TakeVerifier(const Contents& contents, Instant asked_at) {
  const bool is_older =
      rolled_ && rolled_->epoch > contents.member->epoch && rolled_->at >= asked_at;
  if (is_older) return;
  for (const KeyDataPayload& key : KeysOf(contents, KeyDataType::kVerificationKey)) {
    const Result<crypto::PublicKey> verifier = crypto::PublicKey::FromEd25519(key.key);
    KEYMAST_CHECK(verifier.has_value());  // ReadContents: 32 octets
    verifier_ = Verifier{Reader(key.kv.spi).U32(), *verifier};
    rolled_.reset();
  }
}

size_t RekeyReader::pending() const {
  return static_cast<size_t>(
      std::ranges::count_if(pending_, [](const Kept& kept) { return !kept.octets.empty(); }));
}

// DropPending lets go of packets of what was applied, or of all.
void RekeyReader::DropPending(bool all) {
  for (Kept& kept : pending_) {
    if (all || kept.epoch <= epoch_) kept = {};
  }
}

// Keep has one packet of an epoch, and of the newest epochs alone.
Status RekeyReader::Keep(uint32_t epoch, ByteView packet) {
  for (const Kept& kept : pending_) {
    if (!kept.octets.empty() && kept.epoch == epoch) return Err(Error::kAlreadyHeld);
  }
  Kept& place = *std::ranges::min_element(pending_, {}, &Kept::epoch);  // 0: free
  if (place.epoch > epoch) return Err(Error::kOutsideInterval);
  place = {epoch, Bytes(packet.begin(), packet.end())};
  return {};
}

RekeyReader::Kept* RekeyReader::NextPending(uint32_t above) {
  Kept* next = nullptr;
  for (Kept& kept : pending_) {
    if (kept.epoch > above && (next == nullptr || kept.epoch < next->epoch)) next = &kept;
  }
  return next;
}

const RekeyReader::Msk* RekeyReader::Find(MskId id) const {
  const auto found = std::ranges::find(msks_.view(), id, &Msk::id);
  return found == msks_.view().end() ? nullptr : &*found;
}

// Hold puts an MSK behind the others, of which the oldest goes when there is no room.
void RekeyReader::Hold(const Msk& msk) {
  Retire(msk.id);
  if (msks_.full()) Retire(msks_[0].id);
  msks_.Add(msk);
}

void RekeyReader::Retire(MskId msk) {
  FixedList<Msk, kMaxMsks> held;
  for (const Msk& one : msks_) {
    if (one.id != msk) held.Add(one);
  }
  msks_ = held;
}

std::optional<VerificationKeyId> RekeyReader::verification_key() const {
  return verifier_ ? std::optional(verifier_->id) : std::nullopt;
}

}  // namespace keymast::mikey::v2
