// SPDX-License-Identifier: Apache-2.0
// Joins a channel by MIKEYv2, and again when keys are missing (MIKEYv2 §10): when to begin, what to
// send, whether keys have come. Octets in, octets out; no socket, no clock.
#pragma once

#include <string>

#include "base/endpoint.h"
#include "mikey/v2/offerer.h"

namespace keymast::receiver {

// JoinSetup is where and how to join.
struct JoinSetup {
  mikey::v2::Policy policy;
  Endpoint server;
  std::string uri;  // of the group
};

// ParseJoinModes reads `all`, or names of modes with commas between them, in order of preference:
// early-dhhmac, dhhmac, psk. kInvalidArgument.
Result<FixedList<uint8_t, 6>> ParseJoinModes(std::string_view text);

// JoinPolicy is what a receiver offers: it takes MTK messages under the algorithms of its profile,
// which are those of the group (MIKEYv2 §10), and MSKs by the messages of 3GPP.
mikey::v2::Policy JoinPolicy(const FixedList<uint8_t, 6>& modes, const mikey::Profile3gpp& profile);

class Joiner {
 public:
  // Who joins what.
  struct Party {
    mikey::OwnedIdentity self;
    crypto::Key32 user_key;
    mikey::KeyIds group;  // Key Domain ID, and Key Group with Key Number 0
  };
  // Outcome of a step: `send` counts the octets in `out` that go to the server. `has_keys`: keys
  // have come just now, and can be taken until the next call.
  struct Outcome {
    Status status;
    size_t send = 0;
    bool has_keys = false;
    bool has_failed = false;  // just now; another begins at the deadline
  };

  // `suite` outlives the joiner.
  Joiner(const crypto::Suite& suite, JoinSetup setup, Party party);
  Joiner(const Joiner&) = delete;
  Joiner& operator=(const Joiner&) = delete;

  // Tick begins a join, and sends again what was not answered; `deadline` says when it is due.
  // `out` has kMaxOneDatagram octets or more.
  Outcome Tick(Instant now, crypto::Rng& rng, MutableBytes out);
  // Receive takes a datagram of version 2. Every error is a discard.
  Outcome Receive(ByteView datagram, Instant now, crypto::Rng& rng, MutableBytes out);
  Instant deadline() const { return std::min(open_at_, offerer_.deadline()); }

  // Missing tells of a packet or message under an MSK that is not held, Opened of a packet that
  // opened.
  void Missing(Instant now, crypto::Rng& rng);
  void Opened();

  bool is_joined() const { return is_joined_; }
  // MSK messages of version 1 are taken by who has joined and said so, and by nobody else.
  bool takes_msk_messages() const { return takes_msk_messages_; }
  // How the last join went.
  const mikey::v2::Offerer& offerer() const { return offerer_; }
  const JoinSetup& setup() const { return setup_; }

 private:
  Outcome After(const mikey::v2::Offerer::Outcome& step, Instant now, crypto::Rng& rng);
  Duration Part(Duration most, crypto::Rng& rng) const;

  JoinSetup setup_;
  Party party_;
  mikey::v2::Offerer offerer_;
  Instant open_at_ = Instant::min();
  unsigned failures_ = 0;
  bool is_new_ = true;  // keys of the exchange under way have not come yet
  bool is_joined_ = false;
  bool takes_msk_messages_ = false;
  Duration window_ = std::chrono::seconds(2);  // repair window
  Instant missing_since_ = kNever;
  unsigned repairs_ = 0;
};

}  // namespace keymast::receiver
