// SPDX-License-Identifier: Apache-2.0
// MIKEYv2's side of the MIKEY port: exchanges by which receivers join, with what protects them from
// floods. Who is a member, and what is kept of it, is the controller's (Membership).
//
// Under load it is served in this order: what belongs to an exchange that is open, and addresses
// that proved themselves; then, as long as there is time, finishes behind many that were wrong, and
// strangers, who are asked for a cookie. Each of these wait in a queue of fixed size.
#pragma once

#include <deque>
#include <optional>

#include "base/endpoint.h"
#include "controller/join_credentials.h"
#include "controller/keying_tickets.h"
#include "mikey/profile3gpp.h"
#include "mikey/v2/answerer.h"
#include "rekey/group_keys.h"

namespace keymast::controller {

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
  // Serve handles the datagram that has waited longest, a finish before others.
  void Serve(const Moment& m);
  size_t waiting() const { return finishes_.size() + waiting_.size(); }
  size_t exchanges() const { return answerer_ ? answerer_->exchanges() : 0; }

  // Regulars are addresses that members proved within the hour: they are served before strangers.
  bool IsRegular(const Endpoint& from, Instant now) const;
  void MakeRegular(const Endpoint& from, Instant now);
  // UseCredentials is Controller::UseCredentials.
  void UseCredentials(std::shared_ptr<const JoinCredentials> credentials);
  // LoadTickets follows when what is kept of them was read anew; Expire lets go of what has ended.
  void LoadTickets() { tickets_.Load(); }
  void Expire(const Moment& m);
  // Null where none are given.
  const KeyingTickets* tickets() const {
    return GivesTickets(ground_.config) ? &tickets_ : nullptr;
  }

  // MakeAhead makes one more value for Diffie-Hellman, for a loop that has nothing else to do:
  // false when there are enough. MadeAhead is how many of a group wait.
  bool MakeAhead();
  bool HasRoomAhead() const;
  size_t MadeAhead(crypto::DhGroup group) const { return pool_ ? pool_->size(group) : 0; }

  // Forget drops all exchanges: what they answered may rest on changes that were not kept.
  void Forget();
  // End drops those of a subscriber that is deleted or, with a channel, left it, so that a finish
  // which comes later brings nothing (MIKEYv2 §11).
  void End(std::string_view identity, const ChannelId& channel = {});
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
  std::optional<uint32_t> LeavesOf(const mikey::v2::Asked& asked) const override;
  const std::vector<Bytes>* CertificatesOf(const mikey::v2::Asked& asked) const override;

  uint16_t ProfileWithout(const mikey::v2::Asked& asked) const;
  const rekey::SubscriberState* Named(const mikey::Identity& identity) const;
  bool IsGroupOf(const rekey::ChannelState& channel, const mikey::v2::Asked& asked) const;
  // Where a datagram comes from: of an exchange that is open, an address with a good cookie, one
  // that a member proved within the hour, any other.
  enum class Source : uint8_t { kUnderWay, kProved, kRegular, kStranger };
  Source SourceOf(const Endpoint& from, ByteView datagram, Instant now);
  bool IsInRate(const SubscriberId& id);
  void CountWrong(ByteView host, Instant now);
  bool IsUnderLoad(Instant now);
  Status Admit(const Endpoint& from, ByteView datagram, Source source, Instant now);
  void Handle(const Endpoint& from, ByteView datagram, Source source, const Moment& m);
  void Count(const mikey::v2::Answerer::Outcome& outcome, ByteView reply);
  void Joined(const Endpoint& from, mikey::v2::Answerer::Outcome& outcome, const Moment& m);
  void Reply(const Endpoint& to, ByteView octets, const mikey::v2::Answerer::Outcome& outcome,
             const Moment& m);
  void Discard(Error error) { ++ground_.counters.discards[static_cast<size_t>(error)]; }

  const Ground ground_;
  std::shared_ptr<const JoinCredentials> credentials_;
  KeyingTickets tickets_;
  std::array<uint8_t, 16> nothings_key_{};  // for the profiles of groups that are not there
  std::optional<mikey::v2::DhPool> pool_;
  std::optional<mikey::v2::Answerer> answerer_;
  std::deque<Waiting> finishes_;
  std::deque<Waiting> waiting_;
  bool frozen_ = false;

  Bucket strangers_;
  Bucket of_regulars_;
  Instant crowded_until_{};
  Rates unproved_;  // addresses, by what they ask without cookie and
  Rates proved_;    // with one
  Rates identities_;
  Bucket wrong_;
  Rates wrong_of_host_;
  InstantTable regulars_;

  // Of the datagram under way.
  const Moment* moment_ = nullptr;
  const Endpoint* from_ = nullptr;
  Source source_ = Source::kStranger;
  bool in_fragments_ = false;
  bool granted_ = false;
  ChannelId channel_;  // that keys were asked of
  std::optional<rekey::GroupKeys> keys_;
  mutable crypto::SecretKey<mikey::kMaxSharedKey> shared_;
};

}  // namespace keymast::controller
