// SPDX-License-Identifier: Apache-2.0
// What an exchange leaves for the next one (MIKEYv2 §11).
#pragma once

#include "base/octets.h"
#include "base/small.h"
#include "base/time.h"
#include "mikey/identity.h"
#include "mikey/v2/capabilities.h"
#include "mikey/v2/keys.h"

namespace keymast::mikey::v2 {

// SmallTicket does what is asked of Bytes here.
class SmallTicket {
 public:
  static constexpr size_t kMax = kPskOnly ? 0 : 512;  // MIKEYv2 §14
  void assign(ByteView::iterator begin, ByteView::iterator end) {
    octets_.Assign(ByteView(begin, end));
  }
  void clear() { octets_.Assign({}); }
  bool empty() const { return octets_.empty(); }
  operator ByteView() const { return octets_.view(); }

 private:
  Octets<kMax> octets_;
};

inline constexpr Duration kTicketLife = std::chrono::hours(24);  // at most
inline constexpr uint32_t kTicketFeature = 1u << 4;              // MIKEYv2 §10

// TicketOctets are as many as a party keeps; a small one has a place of fixed size for them.
using TicketOctets = std::conditional_t<kSmall, SmallTicket, Bytes>;
inline constexpr size_t kMaxKeptTicket = kSmall ? SmallTicket::kMax : kMaxTicket;

// Standing is what is left of the other's certificate that opened a row of exchanges: no ticket of
// that row outlives it (MIKEYv2 §11). A small receiver keeps its end alone, or none.
struct Standing {
  bool by_certificate = false;
  Instant until = kNever;  // never for one that is known by its hash
  Digest of{};             // its hash; not in sealed tickets
};
struct NoStanding {
  static constexpr Instant until = kNever;
};
struct BriefStanding : NoStanding {
  Instant until = kNever;
};
// IsBy the certificate of a fingerprint.
inline bool IsBy(const Standing& standing, ByteView fingerprint) {
  return standing.by_certificate && Equal(standing.of, fingerprint);
}
constexpr bool IsBy(const NoStanding&, ByteView) { return false; }
using SmallStanding = std::conditional_t<kHasCertificates, BriefStanding, NoStanding>;
using KeptStanding = std::conditional_t<kSmall, SmallStanding, Standing>;

using TicketId = std::array<uint8_t, kTicketIdSize>;
TicketId TicketIdOf(const crypto::Suite& suite, ByteView ticket);

// Resumption is what both sides know of a ticket. It opens one exchange: whoever has used it wipes
// it.
struct Resumption {
  TicketOctets ticket;  // may be empty at who only has its id
  TicketId id{};
  crypto::Key32 secret;
  OwnedIdentity offerer;  // of the exchange that gave it
  OwnedIdentity answerer;
  Instant expiry;
  bool is_dh = false;      // it must not hang on a long-lived key alone
  bool is_sealed = false;  // the ticket holds the secret, under a key of the Answerer's
  [[no_unique_address]] KeptStanding standing;  // of the Offerer
};

// MayResume in a mode by pre-shared key. Mode 1 only where nothing hangs on a sealing key that
// another mode had kept from there.
constexpr bool MayResume(const Resumption& resumption, ExchangeMode mode) {
  return mode != ExchangeMode::kPsk || !resumption.is_dh || !resumption.is_sealed;
}

// IsFor is true for a CAP of these identities at `now`: those of the exchange that gave it, for an
// id in either order.
bool IsFor(const Resumption& resumption, const Identity& offerer, const Identity& answerer,
           bool by_id, Instant now);

}  // namespace keymast::mikey::v2
