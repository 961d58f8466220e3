// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/merkle.h"

namespace keymast::mikey::v2 {

MerkleTree::MerkleTree(const crypto::Suite& suite, std::vector<MerkleNode> leaves) {
  KEYMAST_CHECK(!leaves.empty() && leaves.size() <= kMaxMerkleLeaves);
  levels_.push_back(std::move(leaves));
  while (levels_.back().size() > 1) {
    const std::vector<MerkleNode>& below = levels_.back();
    std::vector<MerkleNode> level;
    for (size_t i = 0; i < below.size(); i += 2) {
      const bool is_pair = HasNeighbour(i, below.size());
      level.push_back(is_pair ? MerkleJoin(suite, below[i], below[i + 1]) : below[i]);
    }
    levels_.push_back(std::move(level));
  }
}

void MerkleTree::PutPath(size_t leaf, MutableBytes out) const {
  Writer writer(out);
  for (const std::vector<MerkleNode>& level : levels_) {
    if (HasNeighbour(leaf, level.size())) writer.Put(level[leaf ^ 1]);
    leaf /= 2;
  }
  KEYMAST_CHECK(writer.ok() && writer.size() == out.size());
}

}  // namespace keymast::mikey::v2
