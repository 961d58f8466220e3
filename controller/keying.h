// SPDX-License-Identifier: Apache-2.0
// MIKEYv2's side of the MIKEY port: exchanges by which receivers join, with what protects them from
// floods. Who is a member, and what is kept of it, is the controller's (Membership).
//
// Under load it is served in this order: what belongs to an exchange that is open, and addresses
// that proved themselves; then, as long as there is time, strangers, who wait in a queue of fixed
// size and are asked for a cookie.
#pragma once

#include <deque>
#include <optional>

#include "base/endpoint.h"
#include "controller/counters.h"
#include "controller/keying_config.h"
#include "mikey/profile3gpp.h"
#include "mikey/v2/answerer.h"
#include "rekey/group_keys.h"

namespace keymast::controller {

struct Moment;

// Membership is what Keying asks of the controller.
class Membership {
 public:
  virtual ~Membership() = default;
  // Null for who and what is not there.
  virtual const rekey::SubscriberState* SubscriberNamed(std::string_view identity) const = 0;
  virtual const rekey::ChannelState* ChannelNamed(const ChannelId& id) const = 0;
  virtual bool IsEntitled(const ChannelId& channel, const SubscriberId& subscriber,
                          Instant now) const = 0;
  // GiveKeys makes the keys-given mark of who is entitled, and returns the member: kStoreClosed
  // while no mark can be made.
  virtual Result<const groups::Member*> GiveKeys(const ChannelId& channel,
                                                 const SubscriberId& subscriber,
                                                 const Moment& m) = 0;
  // KeysToldTo is the greatest T of KEYS that a subscriber was sent unasked, or one that none has.
  virtual uint32_t KeysToldTo(const SubscriberId& subscriber) const = 0;
  // FinishJoin takes a member in that was given keys. `holds`: its finish proves that it has them;
  // `from` is the address that it proved.
  struct Joined {
    Endpoint from;
    bool takes_msk_messages = false;
    bool takes_keys = false;  // unasked
    bool holds = false;
  };
  virtual void FinishJoin(const ChannelId& channel, const SubscriberId& subscriber,
                          const Joined& joined, const Moment& m) = 0;
};

class Keying final : private mikey::v2::Directory {
 public:
  // Borrowed: identity, config, profile, suite, members, rng, counters.
  struct Ground {
    const std::string& identity;  // of this server
    const KeyingConfig& config;
    const mikey::Profile3gpp& profile;
    const crypto::Suite& suite;
    crypto::Rng& rng;
    Membership& members;
    KeyingCounters& counters;
  };
  explicit Keying(const Ground& ground);

  // Take handles a datagram of version 2, where that is spoken, at once or puts it behind others. A
  // discard changes nothing but counters.
  void Take(const Endpoint& from, ByteView datagram, const Moment& m);
  // Serve handles the datagram that has waited longest.
  void Serve(const Moment& m);
  size_t waiting() const { return waiting_.size(); }
  size_t exchanges() const { return answerer_ ? answerer_->exchanges() : 0; }

  // Regulars are addresses that members proved within the hour: they are served before strangers.
  bool IsRegular(const Endpoint& from, Instant now) const;
  void MakeRegular(const Endpoint& from, Instant now);

  // Forget drops all exchanges: what they answered may rest on changes that were not kept.
  void Forget();
  // While frozen nothing is begun or finished that would have to be kept.
  void set_frozen(bool frozen) { frozen_ = frozen; }

 private:
  struct Waiting {
    Endpoint from;
    Bytes datagram;
  };
  // Directory (MIKEYv2 §7).
  bool IsOwn(const mikey::Identity& identity) const override;
  bool Serves(const mikey::v2::Asked& asked) const override;
  const crypto::SecretKey<mikey::kMaxSharedKey>* SharedWith(
      const mikey::v2::Asked& asked) const override;
  Result<mikey::v2::Terms> TermsFor(const mikey::v2::Asked& asked) const override;
  Result<mikey::v2::Grant> GrantTo(const mikey::v2::Asked& asked,
                                   const mikey::v2::Choice& choice) override;

  const rekey::SubscriberState* Named(const mikey::Identity& identity) const;
  bool IsGroupOf(const rekey::ChannelState& channel, const mikey::v2::Asked& asked) const;
  bool IsStranger(const Endpoint& from, ByteView datagram, Instant now) const;
  bool IsUnderLoad(Instant now);
  Status Admit(const Endpoint& from, ByteView datagram, bool is_stranger, Instant now);
  void Handle(const Endpoint& from, ByteView datagram, bool is_stranger, const Moment& m);
  void Count(const mikey::v2::Answerer::Outcome& outcome, ByteView reply);
  void Joined(const Endpoint& from, const mikey::v2::Entry& entry, const Moment& m);
  void Reply(const Endpoint& to, ByteView octets, const mikey::v2::Entry* entry, const Moment& m);
  void Discard(Error error) { ++ground_.counters.discards[static_cast<size_t>(error)]; }

  const Ground ground_;
  std::optional<mikey::v2::Answerer> answerer_;
  std::deque<Waiting> waiting_;
  bool frozen_ = false;

  Bucket strangers_;
  Instant crowded_until_{};
  Rates unproved_;  // addresses, by what they ask without cookie and
  Rates proved_;    // with one
  Rates identities_;
  InstantTable regulars_;

  // Of the datagram under way.
  const Moment* moment_ = nullptr;
  bool granted_ = false;
  std::optional<rekey::GroupKeys> keys_;
  mutable crypto::SecretKey<mikey::kMaxSharedKey> shared_;
};

}  // namespace keymast::controller
