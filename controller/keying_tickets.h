// SPDX-License-Identifier: Apache-2.0
// The tickets of joins (MIKEYv2 §11): sealed under keys that are kept, given with KEYS, taken once.
#pragma once

#include "controller/counters.h"
#include "controller/keying_config.h"
#include "controller/membership.h"
#include "mikey/v2/tickets.h"

namespace keymast::controller {

class KeyingTickets final : public mikey::v2::Tickets {
 public:
  // Spent ones that are kept at once: with more, none are taken until some have ended. Some
  // thousand members that spend all of their share would be needed.
  static constexpr size_t kMostSpent = size_t{1} << 20;

  // Borrowed: all.
  struct Ground {
    const KeyingConfig& config;
    const mikey::Profile3gpp& profile;
    const crypto::Suite& suite;
    crypto::Rng& rng;
    Membership& members;
    KeyingCounters& counters;
  };
  explicit KeyingTickets(const Ground& ground);

  // Of the datagram under way; null between two.
  void set_moment(const Moment* moment) { moment_ = moment; }
  // Tickets that certificates gave are void under another trust, and serve nobody beyond `until`.
  void set_trust(const crypto::Fingerprint& trust, Instant until) {
    trust_ = trust;
    trust_until_ = until;
  }

  // Load takes the sealing keys that are kept. Expire drops spent tickets and keys that have ended,
  // some at a time.
  void Load();
  void Expire(const Moment& m);

  // Look is Find for a REPORT, which opens nothing: no bound on what is opened is asked.
  std::optional<mikey::v2::Resumption> Look(ByteView ticket, Instant now) const;
  std::optional<mikey::v2::Resumption> Find(ByteView ticket, ByteView id,
                                            Instant now) const override;
  bool Spend(const mikey::v2::Resumption& resumption, const mikey::v2::Digest& th) override;
  std::optional<mikey::v2::Resumption> Give(mikey::v2::Resumption fresh, Instant now,
                                            crypto::Rng& rng) override;

 private:
  const rekey::SubscriberState* OffererOf(const mikey::v2::Resumption& resumption) const;
  uint32_t GenerationOf(const rekey::SubscriberState& subscriber,
                        const mikey::v2::Standing& standing) const;
  std::optional<mikey::v2::Resumption> Open(ByteView ticket, Instant now) const;
  // HasKey draws the next sealing key when it is time: false when there is none to seal with.
  bool HasKey(Instant now, crypto::Rng& rng);
  bool DropAllKeys();

  const Ground ground_;
  mikey::v2::TicketSealer sealer_;
  crypto::Fingerprint trust_{};
  Instant trust_until_ = kNever;
  Rates spenders_;  // subscribers, by the tickets that they spend
  const Moment* moment_ = nullptr;
};

}  // namespace keymast::controller
