// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/merkle.h"

namespace keymast::mikey::v2 {
namespace {

constexpr std::array<uint8_t, 1> kIsLeaf{0};
constexpr std::array<uint8_t, 1> kIsNode{1};

MerkleNode Cut(const Digest& digest) {
  MerkleNode node{};
  std::copy_n(digest.begin(), node.size(), node.begin());
  return node;
}

}  // namespace

MerkleNode MerkleJoin(const crypto::Suite& suite, ByteView left, ByteView right) {
  const std::array<ByteView, 3> parts{kIsNode, left, right};
  return Cut(HashOf(suite, parts));
}

MerkleNode MerkleLeaf(const crypto::Suite& suite, uint8_t index, std::span<const ByteView> body) {
  KEYMAST_CHECK(body.size() <= kMaxLeafParts);
  const std::array<uint8_t, 1> place{index};
  std::array<ByteView, 2 + kMaxLeafParts> parts{kIsLeaf, place};
  std::copy(body.begin(), body.end(), parts.begin() + 2);
  return Cut(HashOf(suite, std::span(parts).first(2 + body.size())));
}

size_t MerklePathLength(size_t leaf, size_t leaves) {
  KEYMAST_CHECK(leaf < leaves);
  size_t length = 0;
  for (size_t width = leaves; width > 1; width = (width + 1) / 2, leaf /= 2) {
    if (HasNeighbour(leaf, width)) ++length;
  }
  return length;
}

std::optional<MerkleNode> MerkleRoot(const crypto::Suite& suite, const MerkleNode& node,
                                     size_t leaf, size_t leaves, ByteView path) {
  if (leaf >= leaves) return std::nullopt;
  if (path.size() != MerklePathLength(leaf, leaves) * node.size()) return std::nullopt;
  MerkleNode root = node;
  Reader reader(path);
  for (size_t width = leaves; width > 1; width = (width + 1) / 2, leaf /= 2) {
    if (!HasNeighbour(leaf, width)) continue;
    const ByteView neighbour = reader.Take(node.size());
    root = leaf % 2 == 1 ? MerkleJoin(suite, neighbour, root) : MerkleJoin(suite, root, neighbour);
  }
  return root;
}

}  // namespace keymast::mikey::v2
