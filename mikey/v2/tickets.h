// SPDX-License-Identifier: Apache-2.0
// What an exchange leaves for the next one (MIKEYv2 §11).
#pragma once

#include <map>

#include "base/time.h"
#include "mikey/identity.h"
#include "mikey/v2/capabilities.h"
#include "mikey/v2/keys.h"

namespace keymast::mikey::v2 {

inline constexpr Duration kTicketLife = std::chrono::hours(24);  // at most
inline constexpr uint32_t kTicketFeature = 1u << 4;              // MIKEYv2 §10

// Standing is what is left of a certificate that opened a row of exchanges: no ticket of that row
// outlives it (MIKEYv2 §11).
struct Standing {
  bool by_certificate = false;
  Instant until = kNever;  // never for one that is known by its hash
  friend bool operator==(const Standing&, const Standing&) = default;
};

using TicketId = std::array<uint8_t, kTicketIdSize>;
TicketId TicketIdOf(const crypto::Suite& suite, ByteView ticket);

// Resumption is what both sides know of a ticket. It opens one exchange: whoever has used it wipes
// it.
struct Resumption {
  Bytes ticket;  // may be empty at who only has its id
  TicketId id{};
  crypto::Key32 secret;
  OwnedIdentity offerer;  // of the exchange that gave it
  OwnedIdentity answerer;
  Instant expiry;
  bool is_dh = false;      // it must not hang on a long-lived key alone
  bool is_sealed = false;  // the ticket holds the secret, under a key of the Answerer's
  Standing standing;       // of the Offerer; an Answerer's to know
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

// Tickets is what an Answerer asks its owner about resumption.
class Tickets {
 public:
  virtual ~Tickets() = default;
  // What the ticket of a CAP, or its id, stands for: one of the two is empty. Nothing when it is
  // unreadable, spent, past or void. Changes nothing.
  virtual std::optional<Resumption> Find(ByteView ticket, ByteView id, Instant now) const = 0;
  // Spend records durably, before what the Answerer returns is sent, that the CAP with this TH used
  // it: false when another one has. Peers wipe the secret.
  virtual bool Spend(const Resumption& resumption, const Digest& th) = 0;
  // Give makes a ticket of what an exchange left; `fresh.ticket` is empty, its expiry the latest
  // that may be. Returns what it made, with a ticket of at most kMaxTicket octets; nothing: none.
  virtual std::optional<Resumption> Give(Resumption fresh, Instant now, crypto::Rng& rng) = 0;
};

// PeerTickets are those of a peer that keeps them in memory, as the other one does.
class PeerTickets : public Tickets {
 public:
  // At most `capacity`: the one that ends first goes.
  PeerTickets(const crypto::Suite& suite, size_t capacity) : suite_(suite), capacity_(capacity) {}

  std::optional<Resumption> Find(ByteView ticket, ByteView id, Instant now) const override;
  bool Spend(const Resumption& resumption, const Digest& th) override;
  std::optional<Resumption> Give(Resumption fresh, Instant now, crypto::Rng& rng) override;

  // Keep one that we were given, or opened with and did not use.
  void Keep(Resumption resumption);
  // Take one that we may open an exchange with as `offerer`, to `answerer`; it is wiped here.
  std::optional<Resumption> Take(const Identity& offerer, const Identity& answerer, Instant now);

 private:
  const crypto::Suite& suite_;
  size_t capacity_;
  std::map<TicketId, Resumption> held_;
};

// TicketSealer puts all that a controller must know of a ticket into it.
class TicketSealer {
 public:
  // A key that seals from now on; those before still open until they are dropped. `number` tells
  // them apart.
  void AddKey(uint8_t number, const crypto::SecretKey<32>& key);
  void DropKey(uint8_t number) { keys_.erase(number); }

  // Seal returns the ticket. `generation` is the subscriber's: a ticket of another one is void.
  // kFailedPrecondition without a key.
  Result<Bytes> Seal(const Resumption& resumption, uint32_t generation, crypto::Rng& rng) const;

  struct Opened {
    Resumption resumption;
    uint32_t generation = 0;
  };
  // Open is kUnknownKey, kTruncated, kDecryptionFailed, kMalformed.
  Result<Opened> Open(const crypto::Suite& suite, ByteView ticket) const;

 private:
  std::map<uint8_t, crypto::SecretKey<32>> keys_;
  uint8_t current_ = 0;
};

}  // namespace keymast::mikey::v2
