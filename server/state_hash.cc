// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "records/codec.h"
#include "records/parts.h"
#include "server/open_store.h"

namespace keymast::server {

// A chain over the parts: SHA-256 of the hash so far and the next part, as it would be stored.
std::array<uint8_t, 32> StateHashOf(const rekey::State& state) {
  std::array<uint8_t, 32> hash{};
  crypto::SecretBytes link;
  records::ForEachPart(state, [&](const rekey::Change& part) {
    // What was recorded decides nothing that follows, and each start and stop is a record.
    if (std::holds_alternative<rekey::Audited>(part)) return;
    link.assign(hash.begin(), hash.end());
    KEYMAST_CHECK(records::Append(part, link).has_value());
    hash = crypto::Sha256(link);
  });
  return hash;
}

}  // namespace keymast::server
