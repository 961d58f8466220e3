// SPDX-License-Identifier: Apache-2.0
// One party of a storm: it opens exchanges until it has the group's keys, or gives up.
#pragma once

#include <memory>
#include <optional>

#include "bench/storm_site.h"
#include "mikey/v2/offerer.h"

namespace keymast::bench {

class StormReceiver {
 public:
  // World is what all of them share; borrowed.
  struct World {
    const People& people;
    const rekey::Msk& msk;
    const groups::Channel& channel;
    mikey::v2::Policy by_key;          // pre-shared or of a ticket
    mikey::v2::Policy by_certificate;  // mode DH
    const crypto::Suite& suite;
    crypto::Rng& rng;
    // Of those by key that have ended, for the next.
    mutable std::vector<std::unique_ptr<mikey::v2::Offerer>> spare = {};
  };
  // What became of it in a step; `send` counts the octets in `out`.
  struct Step {
    size_t send = 0;
    bool opens = false;     // that is the first CAP of an exchange
    bool has_keys = false;  // just now, and they are
    bool are_right = false;
  };

  // `certificate` may be empty.
  StormReceiver(size_t number, Bytes certificate)
      : number_(number), certificate_(std::move(certificate)) {}
  // Open begins an exchange; by its ticket, if it has one and `by_ticket` is true.
  Step Open(const World& world, bool by_ticket, Instant now, MutableBytes out);
  Step Receive(const World& world, ByteView octets, Instant now, MutableBytes out);
  // Tick at `due`.
  Step Tick(const World& world, Instant now, MutableBytes out);
  Instant due() const;

  bool has_arrived() const { return first_ != Instant{}; }
  bool has_keys() const { return keys_at_ != Instant{}; }
  bool is_finished() const { return finished_; }  // heard by KEYS that it is joined
  // Nothing more comes of it.
  bool is_over() const { return has_arrived() && offerer_ == nullptr && open_at_ == kNever; }
  Duration taken() const { return keys_at_ - first_; }
  Instant keys_at() const { return keys_at_; }
  mikey::v2::Mode mode() const { return mode_; }
  bool has_resumed() const { return resumed_; }
  bool has_ticket() const { return ticket_ != nullptr; }
  // Begin anew, but for what it has of tickets.
  void Reset();

 private:
  Step After(const World& world, size_t send, Instant now);
  bool AreRight(const World& world) const;

  size_t number_;
  Bytes certificate_;
  std::unique_ptr<mikey::v2::Credentials> credentials_;
  std::unique_ptr<mikey::v2::Offerer> offerer_;
  std::unique_ptr<mikey::v2::Resumption> ticket_;
  Instant first_{};
  Instant keys_at_{};
  Instant open_at_ = kNever;
  uint8_t failures_ = 0;
  bool by_ticket_ = false;
  bool resumes_ = false;  // the exchange under way does
  bool resumed_ = false;
  bool finished_ = false;
  mikey::v2::Mode mode_{};
};

}  // namespace keymast::bench
