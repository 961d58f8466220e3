// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/group_rekey_reader.h"

#include "mikey/key_ids.h"
#include "mikey/mac_check.h"
#include "mikey/v2/closing.h"
#include "mikey/v2/extension_io.h"
#include "mikey/v2/grammar.h"
#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {

// Packet is a GROUP_REKEY as it is read: nothing of it is believed.
struct RekeyReader::Packet {
  ByteView octets;
  Message message;
  Parts parts;
  RekeyHead head;
  MerklePath path;
  std::optional<FilterMac> filter;
  std::optional<KeyRoll> roll;
  PacketParts covered;

  bool IsAnnouncement() const { return head.update.kind == UpdateKind::kAnnouncement; }
  Status Read(ByteView packet);

 private:
  Status ReadHead();
  Status ReadExtensions();
};

Status RekeyReader::Packet::Read(ByteView packet) {
  octets = packet;
  if (Status parsed = ParseMessage(packet, message); !parsed) return parsed;
  const Result<Parts> found = ReadParts(message, Form::kGroupRekey);
  if (!found) return Err(found.error());
  parts = *found;
  if (message.header.prf != PrfFunc::kHmacSha256) return Err(Error::kUnsupportedAlgorithm);
  if (Status read = ReadHead(); !read) return read;
  if (Status read = ReadExtensions(); !read) return read;
  const bool is_plain = parts.kemac == nullptr && parts.tree_update == nullptr;
  const bool is_full = parts.kemac != nullptr && parts.tree_update != nullptr;
  if (IsAnnouncement() ? !is_plain : !is_full) return Err(Error::kMalformed);
  const bool is_signed = parts.sign->s_type == SignatureType::kEd25519 &&
                         parts.sign->signature.size() == crypto::kEcSignature;
  if (!is_signed) return Err(Error::kUnsupportedAlgorithm);
  covered = PartsOf(octets, filter ? filter->mac : ByteView(), parts.merkle_path->data);
  return {};
}

Status RekeyReader::Packet::ReadHead() {
  const Result<KeyIds> ids = FindKeyIds(message);
  if (!ids) return Err(ids.error());
  if (ids->mtk) return Err(Error::kMalformed);
  head.ids = *ids;
  head.csb_id = CsbId(message.header.csb_id);
  head.t = Reader(parts.t->value).U32();
  return ReadExtension(*parts.update, head.update) ? Status() : Err(Error::kMalformed);
}

Status RekeyReader::Packet::ReadExtensions() {
  bool is_read = ReadExtension(*parts.merkle_path, path);
  if (parts.filter_mac != nullptr) {
    is_read = is_read && ReadExtension(*parts.filter_mac, filter.emplace());
  }
  if (parts.key_roll != nullptr) {
    is_read = is_read && ReadExtension(*parts.key_roll, roll.emplace());
  }
  return is_read ? Status() : Err(Error::kMalformed);
}

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
  return Take(read);
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
  const FilterOctets mac =
      ComputeFilterMac(suite_, msk->key.view(), packet.head.update, packet.covered);
  if (!MacIsGood(mac, packet.filter->mac)) return Err(Error::kAuthenticationFailed);
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
  const MerklePath& path = packet.path;
  const MerkleNode leaf = MerkleLeaf(suite_, path.leaf, packet.covered.body);
  const auto root = MerkleRoot(suite_, leaf, path.leaf, path.leaves, path.path);
  if (!root) return Err(Error::kMalformed);
  const SignedUpdate covered(packet.head, path.key_id, path.leaves, *root);
  const std::array<ByteView, 1> parts{covered.view()};
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
  const SignedRoll covered(packet.head, packet.path.key_id, roll.key_id, roll.public_key);
  const std::array<ByteView, 1> parts{covered.view()};
  const bool verified =
      suite_.pk->verify(*key, crypto::SignatureScheme::kEd25519, parts, roll.signature);
  if (!SignatureIsGood(verified)) return Err(Error::kAuthenticationFailed);
  return Verifier{roll.key_id, *key};
}

// MIKEYv2 §4.4: MAC alg 2 and the group's encr.
Status RekeyReader::CheckAlgorithms(const Packet& packet) const {
  const KemacPayload* kemac = packet.parts.kemac;
  if (kemac == nullptr) return {};
  const bool is_groups =
      kemac->mac_alg == MacAlg::kHmacSha256_256 && kemac->encr_alg == group_.encr;
  return is_groups ? Status() : Err(Error::kUnsupportedAlgorithm);
}

// Take acts on a packet whose signature is good.
RekeyReader::Outcome RekeyReader::Take(const Packet& packet) {
  const RekeyHead& head = packet.head;
  if (Status checked = CheckAlgorithms(packet); !checked) return {checked, Event::kNone, {}};
  const auto roll = ReadRoll(packet);
  if (!roll) return {Err(roll.error()), Event::kNone, {}};
  if (!Equal(head.update.tree_id, tree_id_)) {
    announced_t_ = head.t;
    return {{}, Event::kOtherTree, head};
  }
  // Whether or not the update is applied; not again by the other packets of the same one.
  if (*roll && verifier_->id == packet.path.key_id) {
    rolled_ = Rolled{*verifier_, head.update.epoch, head.t};
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
  const crypto::Key32 inkey = RekeyInkey(suite_, root.view(), head.update);
  const Protection protection = OfGroupRekey(suite_, head, group_.encr, inkey);
  const KemacPayload& kemac = *packet.parts.kemac;
  const ByteView before_mac = HeadUpTo(packet.octets, kemac.mac);
  if (!CheckMac(suite_, protection, before_mac, kemac.mac_alg, kemac.mac)) {
    return {{}, Event::kKeysStale, head};
  }
  if (Status opened = Open(packet, protection); !opened) return {opened, Event::kNone, {}};
  tree_.Commit();
  Hold({given_.id, given_.key});
  epoch_ = head.update.epoch;
  t_ = head.t;
  DropPending(false);
  return {{}, Event::kApplied, head};
}

// Open reads the one key of a GROUP_REKEY: the new MSK with its interval (MIKEYv2 §10).
Status RekeyReader::Open(const Packet& packet, const Protection& protection) {
  const ByteView sealed = packet.parts.kemac->encr_data;
  if (sealed.size() > kMaxEncrypted) return Err(Error::kTooLong);
  crypto::SecretScratch<kMaxEncrypted> plain;
  const Result<size_t> size = Decrypt(suite_, protection, sealed, plain.Room());
  if (!size) return Err(Error::kDecryptionFailed);
  const Result<Contents> contents = ReadContents(plain.Keep(*size), false);
  if (!contents) return Err(Error::kDecryptionFailed);
  const bool is_one_key = contents->keys.size() == 1 && contents->rands.empty() &&
                          contents->msks.empty() && !contents->csb_id && !contents->member;
  if (!is_one_key) return Err(Error::kMalformed);
  const KeyDataPayload& msk = contents->keys[0];
  const bool is_msk = msk.type == KeyDataType::kTgk && msk.kv.type == KvType::kInterval &&
                      msk.kv.from.size() == 2 && msk.kv.to.size() == 2;
  if (!is_msk) return Err(Error::kMalformed);
  const UpdateHead& update = packet.head.update;
  given_.id = packet.head.ids.msk;
  given_.key = crypto::Key32(msk.key);
  given_.low = MtkId(Reader(msk.kv.from).U16());
  given_.high = MtkId(Reader(msk.kv.to).U16());
  std::copy_n(update.nonce.begin(), given_.rand.size(), given_.rand.begin());
  given_.epoch = update.epoch;
  given_.first_use_ms = update.first_use_ms;
  given_.window_ms = update.window_ms;
  return {};
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
