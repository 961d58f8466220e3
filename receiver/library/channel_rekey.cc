// SPDX-License-Identifier: Apache-2.0
// GROUP_REKEY and signed MTK messages (MIKEYv2 §10). What a tree update means its owner says; the
// packet is borrowed for the call, so that nothing waits here.
#include "mikey/mac_check.h"
#include "mikey/v2/group_rekey_packet.h"
#include "mikey/v2/mtk_signature.h"
#include "receiver/library/channel.h"

namespace keymast::receiver::library {
namespace {

using mikey::KeyDataPayload;
using mikey::KeyDataType;
using mikey::v2::RekeyPacket;

constexpr uint32_t kMostFailures = 20;  // signatures computed in vain, in
constexpr uint64_t kFailuresIn = 1000;  // milliseconds (MIKEYv2 §10)

keymast_tree_key TreeKeyOf(const mikey::v2::MemberState& member, const KeyDataPayload& key) {
  keymast_tree_key told{};
  told.tree_id = member.tree_id.data();
  told.epoch = member.epoch;
  told.leaf = member.leaf;
  told.generation = member.generation;
  told.type = static_cast<uint8_t>(key.type);
  told.spi = OctetsOf(key.kv.spi);
  told.key = OctetsOf(key.key);
  return told;
}

}  // namespace

// TakeTree takes from contents that were checked who signs, and the keys of the tree. MIKEYv2 §10:
// a roll that was taken since is newer than what is said of an epoch before it.
void Channel::TakeTree(const mikey::v2::Contents& contents, Asked asked) {
  const bool is_older = signing_.rolled.held && signing_.rolled_epoch > contents.member->epoch &&
                        !(asked == Asked::kByJoin && signing_.rolled.is_before_asking);
  for (const KeyDataPayload& key : contents.keys) {
    if (key.type == KeyDataType::kVerificationKey && !is_older) {
      signing_.verifier = {true, false, Reader(key.kv.spi).U32(), {}};
      std::copy(key.key.begin(), key.key.end(), signing_.verifier.key.begin());
      signing_.rolled = {};
    }
    const bool is_of_tree = key.type == KeyDataType::kTreeKey || key.type == KeyDataType::kSdLabel;
    if (!is_of_tree || tree_ == nullptr) continue;
    const keymast_tree_key told = TreeKeyOf(*contents.member, key);
    tree_->take_key(tree_->user, &told);
  }
}

Status Channel::TakeMore(const mikey::v2::Contents& contents, Asked asked) {
  const bool is_here = contents.member && Equal(contents.member->tree_id, standing.tree_id);
  if (!is_here) return Err(Error::kUnexpected);
  if (contents.member->epoch < standing.epoch) return Err(Error::kReplayed);
  standing.window_ms = contents.member->window_ms;
  TakeTree(contents, asked);
  return {};
}

Status Channel::CheckMtkSignature(const TablePk& pk, const crypto::Suite& suite,
                                  ByteView datagram) const {
  const auto claim = mikey::v2::ReadMtkClaim(suite, datagram);
  if (!claim) return Err(claim.error());
  const Verifier& verifier = signing_.verifier;
  if (!verifier.held || verifier.id != claim->signature.key_id) return Err(Error::kUnknownKey);
  const bool verified =
      Verify(pk, verifier.key, claim->covered.view(), claim->signature.signature());
  return mikey::SignatureIsGood(verified) ? Status() : Err(Error::kAuthenticationFailed);
}

// In the order of cost: group, tree id, epoch, T, filter MAC, signature, content.
Result<bool> Channel::TakeRekey(const TablePk& pk, const crypto::Suite& suite, ByteView datagram,
                                uint64_t now) {
  RekeyPacket packet;
  if (Status read = packet.Read(datagram); !read) return Err(read.error());
  if (Status checked = CheckRekeyPlace(packet); !checked) return Err(checked.error());
  const Result<bool> is_filtered = CheckFilter(suite, packet);
  if (!is_filtered) return is_filtered;
  if (Status checked = CheckRekeySignature(pk, suite, packet, *is_filtered, now); !checked) {
    return Err(checked.error());
  }
  if (Status checked = packet.CheckAlgorithms(algorithms_.encr); !checked) {
    return Err(checked.error());
  }
  if (!Equal(packet.head.update.tree_id, standing.tree_id)) {
    if (Status checked = CheckRoll(pk, packet); !checked) return Err(checked.error());
    signing_.announced_t = packet.head.t;
    TakeWindow(packet.head);
    return true;
  }
  if (Status rolled = Roll(pk, packet); !rolled) return Err(rolled.error());
  TakeWindow(packet.head);
  if (packet.IsAnnouncement()) return false;
  if (packet.head.update.epoch - standing.epoch > mikey::v2::kMaxEpochsAhead) return true;
  return Apply(suite, packet, now);
}

Status Channel::CheckRekeyPlace(const RekeyPacket& packet) const {
  const mikey::v2::RekeyHead& head = packet.head;
  if (!Is(head.ids) || head.csb_id != csb_id_) return Err(Error::kUnknownChannel);
  const bool is_held = Equal(head.update.tree_id, standing.tree_id);
  if (!is_held && !packet.IsAnnouncement()) return Err(Error::kUnexpected);
  if (is_held && head.update.epoch <= standing.epoch) return Err(Error::kAlreadyHeld);
  // It rises over all tree ids of a group.
  const uint32_t last =
      is_held ? standing.rekey_t : std::max(standing.rekey_t, signing_.announced_t);
  return head.t > last ? Status() : Err(Error::kReplayed);
}

// CheckFilter is false where there is nothing to check by.
Result<bool> Channel::CheckFilter(const crypto::Suite& suite, const RekeyPacket& packet) const {
  const Msk* msk = packet.filter ? FindMsk(MskId::FromValue(packet.filter->msk)) : nullptr;
  if (msk == nullptr) return false;
  if (!packet.FilterIsGood(suite, msk->key.view())) return Err(Error::kAuthenticationFailed);
  return true;
}

const Verifier* Channel::VerifierOf(const RekeyPacket& packet) const {
  const uint32_t id = packet.path.key_id;
  if (signing_.verifier.held && signing_.verifier.id == id) return &signing_.verifier;
  const bool is_of_roll = signing_.rolled.held && signing_.rolled.id == id &&
                          signing_.rolled_epoch == packet.head.update.epoch &&
                          signing_.rolled_t == packet.head.t &&
                          Equal(packet.head.update.tree_id, standing.tree_id);
  return is_of_roll ? &signing_.rolled : nullptr;
}

Status Channel::CheckRekeySignature(const TablePk& pk, const crypto::Suite& suite,
                                    const RekeyPacket& packet, bool is_filtered, uint64_t now) {
  const bool is_peace = now - signing_.last_failure >= kFailuresIn;
  if (!is_filtered && signing_.failures == kMostFailures && !is_peace) {
    return Err(Error::kRateLimited);
  }
  const Verifier* verifier = VerifierOf(packet);
  if (verifier == nullptr) return Err(Error::kUnknownKey);
  const auto covered = packet.Signed(suite);
  if (!covered) return Err(covered.error());
  const bool verified = Verify(pk, verifier->key, covered->view(), packet.parts.sign->signature);
  if (mikey::SignatureIsGood(verified)) return {};
  if (!is_filtered) {
    signing_.failures = is_peace ? 1 : signing_.failures + 1;
    signing_.last_failure = now;
  }
  return Err(Error::kAuthenticationFailed);
}

// The next verification key has signed that it is the one.
Status Channel::CheckRoll(const TablePk& pk, const RekeyPacket& packet) {
  if (!packet.roll) return {};
  const bool verified =
      Verify(pk, packet.roll->public_key, packet.SignedByNext().view(), packet.roll->signature);
  return mikey::SignatureIsGood(verified) ? Status() : Err(Error::kAuthenticationFailed);
}

// Roll counts whether or not the update is applied; not again by the other packets of the same one.
Status Channel::Roll(const TablePk& pk, const RekeyPacket& packet) {
  if (Status checked = CheckRoll(pk, packet); !checked) return checked;
  if (!packet.roll || signing_.verifier.id != packet.path.key_id) return {};
  signing_.rolled = signing_.verifier;
  signing_.rolled_epoch = packet.head.update.epoch;
  signing_.rolled_t = packet.head.t;
  signing_.rolled.is_before_asking = false;
  signing_.verifier.id = packet.roll->key_id;
  const ByteView key = packet.roll->public_key;
  std::copy(key.begin(), key.end(), signing_.verifier.key.begin());
  return {};
}

// Apply takes over all keys of an update, or none.
Result<bool> Channel::Apply(const crypto::Suite& suite, const RekeyPacket& packet, uint64_t now) {
  const mikey::v2::UpdateHead& update = packet.head.update;
  const keymast_tree_update told{static_cast<uint8_t>(update.kind), update.tree_id.data(),
                                 update.epoch, OctetsOf(packet.parts.tree_update->data)};
  crypto::Key32 root = crypto::Key32::OfSize(32);
  size_t size = 0;
  const auto found = tree_->derive(tree_->user, &told, root.mutable_view().data(), &size);
  if (found == KEYMAST_TREE_NOTHING) return false;
  if (found != KEYMAST_TREE_ROOT || (size != 16 && size != 32)) return Err(Error::kUnavailable);
  mikey::v2::GivenMsk given;
  const Status opened = packet.Open(suite, algorithms_.encr, root.view().first(size), given);
  if (!opened && opened.error() == Error::kAuthenticationFailed) return true;  // our keys are stale
  if (!opened) return Err(opened.error());
  if (given.id.number == KeyNumber(0) || given.low > given.high) return Err(Error::kMalformed);
  tree_->commit(tree_->user);
  standing.rekey_t = packet.head.t;
  TakeGiven(given, now);
  return false;
}

// MIKEYv2 §10: a packet that is played again brings no older window back.
void Channel::TakeWindow(const mikey::v2::RekeyHead& head) {
  if (head.t < standing.window_t) return;
  standing.window_t = head.t;
  standing.window_ms = head.update.window_ms;
}

void Channel::TakeGiven(const mikey::v2::GivenMsk& given, uint64_t now) {
  Msk msk;
  msk.held = true;
  msk.id = given.id;
  msk.key = given.key;
  msk.rand = Octets<32>(given.rand);
  msk.csb_id = csb_id_;
  msk.low = given.low;
  msk.high = given.high;
  msk.mtk_counter = 0;  // MIKEYv2 §10: its first COUNTER is 1
  msk.algorithms = algorithms_;
  PutMsk(msk);
  standing.epoch = given.epoch;
  standing.newest = given.id.number;
  const bool is_told = given.first_use_ms != mikey::v2::UpdateHead::kByMki;
  first_use_of_ = given.id.number;
  first_use_at_ = is_told ? now + given.first_use_ms : kNoTime;
}

}  // namespace keymast::receiver::library
