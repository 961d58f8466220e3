// SPDX-License-Identifier: Apache-2.0
// Who keeps tickets, and what is sealed into them (MIKEYv2 §11).
#pragma once

#include <map>

#include "mikey/v2/resumption.h"

namespace keymast::mikey::v2 {

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

  // Keep one that we were given.
  void Keep(Resumption resumption);
  // Take one that we open an exchange with as `offerer`, to `answerer`, and no other one. It stays
  // here: the other side may show it at the same time (MIKEYv2 §11). When our exchange has its
  // answer, Wipe it. With a fingerprint one of an exchange by that certificate (MIKEYv2 §12).
  std::optional<Resumption> Take(const Identity& offerer, const Identity& answerer, Instant now,
                                 const std::optional<Digest>& by = std::nullopt);
  void Wipe(const TicketId& id) { held_.erase(id); }

 private:
  struct Held {
    Resumption resumption;
    bool is_shown = false;
  };
  const crypto::Suite& suite_;
  size_t capacity_;
  std::map<TicketId, Held> held_;
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
