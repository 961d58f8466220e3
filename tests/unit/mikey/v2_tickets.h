// SPDX-License-Identifier: Apache-2.0
// A controller's tickets, for tests: sealed, and all that it keeps is what was spent.
#pragma once

#include "mikey/v2/tickets.h"

namespace keymast::mikey::v2 {

class SealedTickets : public Tickets {
 public:
  SealedTickets() { sealer_.AddKey(1, crypto::SecretKey<32>::OfSize(32)); }
  std::optional<Resumption> Find(ByteView ticket, ByteView, Instant now) const override {
    auto opened = sealer_.Open(crypto::DefaultSuite(), ticket);
    const bool is_good = opened && opened->generation == generation_ &&
                         now < opened->resumption.expiry && !spent_.contains(opened->resumption.id);
    if (!is_good) return std::nullopt;
    return std::move(opened->resumption);
  }
  bool Spend(const Resumption& resumption, const Digest& th) override {
    return spent_.emplace(resumption.id, th).second;
  }
  std::optional<Resumption> Give(Resumption fresh, Instant, crypto::Rng& rng) override {
    auto ticket = sealer_.Seal(fresh, generation_, rng);
    if (!ticket) return std::nullopt;
    fresh.ticket = *std::move(ticket);
    fresh.id = TicketIdOf(crypto::DefaultSuite(), fresh.ticket);
    return fresh;
  }

  TicketSealer sealer_;
  uint32_t generation_ = 3;
  std::map<TicketId, Digest> spent_;
};

}  // namespace keymast::mikey::v2
