// SPDX-License-Identifier: Apache-2.0
// GROUP_REKEY of the groups that are followed (MIKEYv2 §10). Not for pre-shared keys alone.
#include "receiver/library/receiver.h"

namespace keymast::receiver::library {

// SetFeatures of the exchange for a group: what a channel can follow of it.
void Receiver::SetFeatures(const Channel& keys) {
  policy_.features &= ~(kTrees | kSubsetDifference | kSignedMtks);
  if (pk_.table.ed25519_verify == nullptr) return;
  policy_.features |= kSignedMtks;
  const keymast_tree* tree = keys.tree();
  if (tree == nullptr) return;
  policy_.features |= kTrees;
  if (tree->has_subset_difference != 0) policy_.features |= kSubsetDifference;
}

bool Receiver::IsRekey(ByteView datagram) {
  return datagram.size() > 1 &&
         static_cast<mikey::DataType>(datagram[1]) == mikey::DataType::kGroupRekey;
}

Status Receiver::ReceiveRekey(ByteView datagram, uint64_t now) {
  Status taken = Err(Error::kUnknownChannel);
  for (Followed& followed : channels_) {
    Channel& keys = followed.keys;
    if (!keys.FollowsTree() || followed.leave_at != kNoTime) continue;
    const uint32_t epoch = keys.standing.epoch;
    const Result<bool> outcome = keys.TakeRekey(pk_, suite_, datagram, now);
    if (!outcome && outcome.error() == Error::kUnknownChannel) continue;
    if (!outcome) return Err(outcome.error());
    if (keys.standing.epoch != epoch) Cured(followed, now);
    if (*outcome) NoteProven(followed, now);
    return {};
  }
  return taken;
}

}  // namespace keymast::receiver::library
