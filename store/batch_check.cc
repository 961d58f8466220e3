// SPDX-License-Identifier: Apache-2.0
#include "store/batch_check.h"

#include <algorithm>

namespace keymast::store {

size_t OctetsOf(const Batch& batch) {
  size_t octets = 0;
  for (const auto& [key, value] : batch.puts) octets += key.size() + value.size();
  for (const std::string& key : batch.deletes) octets += key.size();
  for (const Expectation& expectation : batch.expected) octets += expectation.key.size();
  return octets;
}

Status CheckBatch(const Batch& batch, const Limits& limits) {
  const size_t operations = batch.puts.size() + batch.deletes.size() + batch.expected.size();
  if (operations > limits.operations) return Err(Error::kBatchTooLarge);
  if (OctetsOf(batch) > limits.octets) return Err(Error::kBatchTooLarge);

  std::vector<std::string_view> written;
  written.reserve(operations);
  for (const auto& put : batch.puts) written.emplace_back(put.first);
  for (const std::string& key : batch.deletes) written.emplace_back(key);
  std::sort(written.begin(), written.end());
  if (!written.empty() && written.front().empty()) return Err(Error::kInvalidArgument);
  if (std::adjacent_find(written.begin(), written.end()) != written.end()) {
    return Err(Error::kInvalidArgument);
  }
  const bool empty = std::any_of(batch.expected.begin(), batch.expected.end(),
                                 [](const Expectation& e) { return e.key.empty(); });
  if (empty) return Err(Error::kInvalidArgument);
  return {};
}

}  // namespace keymast::store
