// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/group_rekey_reader.h"

#include "mikey/mac_check.h"

namespace keymast::mikey::v2 {

void FailureLimit::Count(Instant now) {
  times_[next_] = now;
  next_ = (next_ + 1) % kMost;
  count_ = std::min(count_ + 1, kMost);
}

RekeyReader::RekeyReader(const crypto::Suite& suite, const GroupName& group, TreeKeys& tree)
    : suite_(suite), group_(group), tree_(tree) {}

RekeyReader::Outcome RekeyReader::Receive(ByteView packet, Instant now) {
  Packet read;
  if (Status checked = read.Read(packet); !checked) return {checked, Event::kNone, {}};
  if (Status checked = CheckPlace(read); !checked) return {checked, Event::kNone, {}};
  const Result<bool> filtered = CheckFilter(read);
  if (!filtered) return {Err(filtered.error()), Event::kNone, {}};
  if (Status checked = CheckSignature(read, *filtered, now); !checked) {
    return {checked, Event::kNone, {}};
  }
  const Outcome outcome = Take(read, now);
  if (outcome.status) TakeWindow(read.head);
  return outcome;
}

// MIKEYv2 §10: a packet that is played again brings no older window back.
void RekeyReader::TakeWindow(const RekeyHead& head) {
  if (head.t < window_t_) return;
  window_t_ = head.t;
  window_ms_ = head.update.window_ms;
}

// Group, tree id, epoch, T.
Status RekeyReader::CheckPlace(const Packet& packet) const {
  const RekeyHead& head = packet.head;
  const bool is_ours = installed_ && head.ids.domain == group_.domain &&
                       head.ids.msk.group == group_.key_group && head.csb_id == group_.csb_id;
  if (!is_ours) return Err(Error::kUnknownChannel);
  const bool is_held = Equal(head.update.tree_id, tree_id_);
  if (!is_held && !packet.IsAnnouncement()) return Err(Error::kUnexpected);
  if (is_held && head.update.epoch <= epoch_) return Err(Error::kAlreadyHeld);
  if (head.t <= (is_held ? t_ : std::max(t_, announced_t_))) return Err(Error::kReplayed);
  return {};
}

// CheckFilter is false where there is nothing to check by.
Result<bool> RekeyReader::CheckFilter(const Packet& packet) const {
  if (!packet.filter) return false;
  const Msk* msk = Find(MskId::FromValue(packet.filter->msk));
  if (msk == nullptr) return false;
  if (!packet.FilterIsGood(suite_, msk->key.view())) return Err(Error::kAuthenticationFailed);
  return true;
}

const RekeyReader::Verifier* RekeyReader::VerifierOf(const Packet& packet) const {
  if (verifier_ && verifier_->id == packet.path.key_id) return &*verifier_;
  const bool is_of_roll = rolled_ && rolled_->verifier.id == packet.path.key_id &&
                          rolled_->epoch == packet.head.update.epoch &&
                          rolled_->t == packet.head.t &&
                          Equal(packet.head.update.tree_id, tree_id_);
  return is_of_roll ? &rolled_->verifier : nullptr;
}

Status RekeyReader::CheckSignature(const Packet& packet, bool filtered, Instant now) {
  if (!filtered && failures_.IsReached(now)) return Err(Error::kRateLimited);
  const Verifier* verifier = VerifierOf(packet);
  if (verifier == nullptr) return Err(Error::kUnknownKey);
  const Result<SignedUpdate> covered = packet.Signed(suite_);
  if (!covered) return Err(covered.error());
  const std::array<ByteView, 1> parts{covered->view()};
  const bool verified = suite_.pk->verify(verifier->key, crypto::SignatureScheme::kEd25519, parts,
                                          packet.parts.sign->signature);
  if (SignatureIsGood(verified)) return {};
  if (!filtered) failures_.Count(now);
  return Err(Error::kAuthenticationFailed);
}

// ReadRoll finds the next verification key, which must have signed that it is the one.
Result<std::optional<RekeyReader::Verifier>> RekeyReader::ReadRoll(const Packet& packet) const {
  if (!packet.roll) return std::nullopt;
  const KeyRoll& roll = *packet.roll;
  const Result<crypto::PublicKey> key = crypto::PublicKey::FromEd25519(roll.public_key);
  if (!key) return Err(key.error());
  const SignedRoll covered = packet.SignedByNext();
  const std::array<ByteView, 1> parts{covered.view()};
  const bool verified =
      suite_.pk->verify(*key, crypto::SignatureScheme::kEd25519, parts, roll.signature);
  if (!SignatureIsGood(verified)) return Err(Error::kAuthenticationFailed);
  return Verifier{roll.key_id, *key};
}

// Take acts on a packet whose signature is good.
RekeyReader::Outcome RekeyReader::Take(const Packet& packet, Instant now) {
  const RekeyHead& head = packet.head;
  if (Status checked = packet.CheckAlgorithms(group_.encr); !checked)
    return {checked, Event::kNone, {}};
  const auto roll = ReadRoll(packet);
  if (!roll) return {Err(roll.error()), Event::kNone, {}};
  if (!Equal(head.update.tree_id, tree_id_)) {
    announced_t_ = head.t;
    return {{}, Event::kOtherTree, head};
  }
  // Whether or not the update is applied; not again by the other packets of the same one.
  if (*roll && verifier_->id == packet.path.key_id) {
    rolled_ = Rolled{*verifier_, head.update.epoch, head.t, now};
    verifier_ = **roll;
  }
  if (packet.IsAnnouncement()) return {{}, Event::kAnnounced, head};
  // The epoch is above the one that is held.
  if (head.update.epoch - epoch_ > kMaxEpochsAhead) return {{}, Event::kFarAhead, head};
  Outcome outcome = Apply(packet);
  if (outcome.event == Event::kKept) {
    if (Status kept = Keep(head.update.epoch, packet.octets); !kept)
      return {kept, Event::kNone, {}};
  }
  return outcome;
}

// Apply takes over all keys of an update, or none.
RekeyReader::Outcome RekeyReader::Apply(const Packet& packet) {
  const RekeyHead& head = packet.head;
  crypto::Key32 root;
  switch (tree_.Derive(head, packet.parts.tree_update->data, root)) {
    case TreeKeys::Found::kNothingHere:
      return {{}, Event::kNothingHere, head};
    case TreeKeys::Found::kNotYet:
      return {{}, Event::kKept, head};
    case TreeKeys::Found::kRoot:
      break;
  }
  const Status opened = packet.Open(suite_, group_.encr, root.view(), given_);
  if (!opened && opened.error() == Error::kAuthenticationFailed) {
    return {{}, Event::kKeysStale, head};
  }
  if (!opened) return {opened, Event::kNone, {}};
  tree_.Commit();
  Hold({given_.id, given_.key});
  epoch_ = head.update.epoch;
  t_ = head.t;
  DropPending(false);
  return {{}, Event::kApplied, head};
}

RekeyReader::Outcome RekeyReader::Resume() {
  uint32_t tried = epoch_;
  while (Kept* kept = NextPending(tried)) {
    tried = kept->epoch;
    resumed_ = kept->octets;
    Packet packet;
    const Status read = packet.Read(resumed_);
    KEYMAST_CHECK(read.has_value());
    const bool counts = packet.head.t > t_;
    const Outcome outcome = counts ? Apply(packet) : Outcome{};
    if (outcome.event == Event::kKept) continue;
    *kept = {};
    if (outcome.event != Event::kNone && outcome.event != Event::kNothingHere) return outcome;
  }
  return {};
}

}  // namespace keymast::mikey::v2
