// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/resumption.h"

namespace keymast::mikey::v2 {

TicketId TicketIdOf(const crypto::Suite& suite, ByteView ticket) {
  const Digest hash = HashOf(suite, ticket);
  TicketId id{};
  std::copy_n(hash.begin(), id.size(), id.begin());
  return id;
}

bool IsFor(const Resumption& resumption, const Identity& offerer, const Identity& answerer,
           bool by_id, Instant now) {
  const Identity first = resumption.offerer.view();
  const Identity second = resumption.answerer.view();
  const bool is_same = first == offerer && second == answerer;
  const bool is_turned = by_id && first == answerer && second == offerer;
  return now < resumption.expiry && (is_same || is_turned);
}

}  // namespace keymast::mikey::v2
