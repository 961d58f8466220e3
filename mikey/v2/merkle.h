// SPDX-License-Identifier: Apache-2.0
// The Merkle tree over messages that one signature covers (MIKEYv2 §10): the packets of an update,
// or the MTK messages of a tick.
#pragma once

#include <vector>

#include "mikey/v2/extensions.h"
#include "mikey/v2/keys.h"

namespace keymast::mikey::v2 {

using MerkleNode = std::array<uint8_t, MerklePath::kNodeSize>;
inline constexpr size_t kMaxMerkleLeaves = 255;  // their number has one octet
inline constexpr size_t kMaxMerkleDepth = 8;

// MerkleLeaf is that of a message, whose octets are the concatenation of at most kMaxLeafParts.
inline constexpr size_t kMaxLeafParts = 4;
MerkleNode MerkleLeaf(const crypto::Suite& suite, uint8_t index, std::span<const ByteView> body);

// MerkleJoin is the node above two neighbours. HasNeighbour is false for the last node of a level
// with an odd number: it moves up.
MerkleNode MerkleJoin(const crypto::Suite& suite, ByteView left, ByteView right);
constexpr bool HasNeighbour(size_t index, size_t width) { return (index ^ 1) < width; }

// MerklePathLength is how many neighbours there are on the way up from a leaf: none on a level at
// which the node moves up. `leaf` is below `leaves`.
size_t MerklePathLength(size_t leaf, size_t leaves);

// MerkleRoot is the root that follows from a leaf and its path: nothing for a path of another
// length or a leaf that is none of the `leaves`.
std::optional<MerkleNode> MerkleRoot(const crypto::Suite& suite, const MerkleNode& node,
                                     size_t leaf, size_t leaves, ByteView path);

// MerkleTree is what the writer has: all of it.
class MerkleTree {
 public:
  // 1 to kMaxMerkleLeaves.
  MerkleTree(const crypto::Suite& suite, std::vector<MerkleNode> leaves);
  const MerkleNode& root() const { return levels_.back().front(); }
  // PutPath writes the neighbours of a leaf upward, MerklePathLength of them.
  void PutPath(size_t leaf, MutableBytes out) const;

 private:
  std::vector<std::vector<MerkleNode>> levels_;  // leaves first
};

}  // namespace keymast::mikey::v2
