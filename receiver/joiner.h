// SPDX-License-Identifier: Apache-2.0
// Joins a channel by MIKEYv2, and asks for keys that are missing by REPORT, or where that cannot be
// by another join (MIKEYv2 §10): when to begin, what to send, whether keys have come. Octets in,
// octets out; no socket, no clock.
#pragma once

#include <memory>
#include <string>

#include "base/endpoint.h"
#include "mikey/v2/credentials.h"
#include "mikey/v2/missed_msk.h"
#include "receiver/reporter.h"

namespace keymast::receiver {

// JoinSetup is where and how to join.
struct JoinSetup {
  mikey::v2::Policy policy;
  Endpoint server;
  std::string uri;                                            // of the group
  std::shared_ptr<const mikey::v2::Credentials> credentials;  // null: no mode by certificate
  bool by_hash = false;  // the server has our certificate: CAP names it by hash (MIKEYv2 §6 rule 4)
};

// ParseJoinModes reads `all`, or names of modes with commas between them, in order of preference:
// early-dh, early-dhhmac, dh, dhhmac, rsa, psk. kInvalidArgument.
Result<FixedList<uint8_t, 6>> ParseJoinModes(std::string_view text);
// ResumedModes are those that a ticket is shown in.
FixedList<uint8_t, 6> ResumedModes();

// JoinPolicy is what a receiver offers: it takes MTK messages under the algorithms of its profile,
// which are those of the group (MIKEYv2 §10), tickets, and KEYS; MSKs by the messages of 3GPP too
// where it has a user key and wants them.
mikey::v2::Policy JoinPolicy(const FixedList<uint8_t, 6>& modes, const mikey::Profile3gpp& profile,
                             bool takes_msk_messages);

// TicketKeeper keeps a ticket where it outlives the process.
class TicketKeeper {
 public:
  virtual ~TicketKeeper() = default;
  // Null: none is held any more. False when that could not be made durable.
  virtual bool KeepTicket(const mikey::v2::Resumption* ticket) = 0;
};

class Joiner {
 public:
  // Who joins what. Without a user key it joins by certificate and by ticket alone.
  struct Party {
    mikey::OwnedIdentity self;
    crypto::Key32 user_key;
    mikey::KeyIds group;  // Key Domain ID, and Key Group with Key Number 0
  };
  // Kept is what outlives the process, and who keeps it; both keepers outlive the joiner.
  struct Kept {
    MemberTs ts;
    TKeeper& t_keeper;
    std::optional<mikey::v2::Resumption> ticket;
    TicketKeeper& ticket_keeper;
  };
  // Outcome of a step: `send` counts the octets in `out` that go to the server, and more() what
  // follows them. `has_keys`: keys have come just now, and can be taken until the next call.
  struct Outcome {
    Status status;
    size_t send = 0;
    bool has_keys = false;
    bool has_failed = false;  // just now; another begins at the deadline
    bool is_refused = false;  // what a join brought could not be taken, as `status` says; likewise
    std::optional<mikey::v2::ReportKind> reports = std::nullopt;  // what is sent is a REPORT
    bool is_loose = false;  // keys came by KEYS outside of an exchange
  };

  // `suite` outlives the joiner.
  Joiner(const crypto::Suite& suite, JoinSetup setup, Party party, Kept kept);
  Joiner(const Joiner&) = delete;
  Joiner& operator=(const Joiner&) = delete;

  // Tick begins a join, reports, and sends again what was not answered; `deadline` says when it is
  // due. `out` has Room() octets or more, here and below.
  Outcome Tick(Instant now, crypto::Rng& rng, MutableBytes out);
  // CheckSource is asked of a datagram before Receive: FRAGMENTs are taken only from the address
  // that was written to (MIKEYv2 §3.6). kWrongSource.
  Status CheckSource(ByteView datagram, const Endpoint& from) const;
  // Receive takes a datagram of version 2 from the server. Every error is a discard.
  Outcome Receive(ByteView datagram, Instant now, crypto::Rng& rng, MutableBytes out);
  Instant deadline() const;
  size_t Room() const { return mikey::v2::RoomOf(policy_); }
  // Datagrams behind the first that the last call wrote.
  const mikey::v2::MoreDatagrams& more() const { return last_->more(); }
  // What brought keys: good as long as `has_keys` says.
  const mikey::v2::Streams& streams() const;
  const mikey::v2::Contents& contents() const;
  // Wipe them, when they are taken.
  void Wipe();

  // GroupRekey takes a datagram of version 2 that came by multicast. Nothing is sent for it.
  void GroupRekey(ByteView datagram, Instant now, crypto::Rng& rng);
  // Missing tells of a packet or message under an MSK that is not held, Opened of a packet that
  // opened under one, Holds of the newest MSK.
  void Missing(KeyNumber msk, Instant now, crypto::Rng& rng);
  void Opened(KeyNumber msk, Instant now);
  void Holds(MskId newest, Instant now);
  // Uses tells of the MSK that media is under: older ones have retired.
  void Uses(KeyNumber msk);

  // UseCredentials is for what begins from now on, and a join under way by certificate begins anew.
  // A ticket that others gave, who may not be believed any more, goes.
  void UseCredentials(std::shared_ptr<const mikey::v2::Credentials> credentials, Instant now);

  // Leave says so to the controller, where it can, and does nothing else from then on. has_left:
  // that is over; is_left: and was answered.
  void Leave(Instant now);
  bool has_left() const { return schedule_.is_gone(); }
  bool is_left() const { return is_left_; }

  // MakeAhead makes one value for Diffie-Hellman of a join to come, for a loop that has nothing
  // else to do: false when there are enough, as HasRoomAhead says. MadeAhead: how many of a group.
  bool MakeAhead(crypto::Rng& rng);
  bool HasRoomAhead() const;
  size_t MadeAhead(crypto::DhGroup group) const { return pool_ ? pool_->size(group) : 0; }

  bool is_joined() const { return is_joined_; }
  // MSK messages of version 1 are taken by who has joined and said so, and by nobody else.
  bool takes_msk_messages() const { return takes_msk_messages_; }
  // How the last join went.
  const mikey::v2::Offerer& offerer() const { return *offerer_; }
  const Reporter& reporter() const { return reporter_; }
  const JoinSetup& setup() const { return setup_; }

 private:
  Outcome Open(Instant now, crypto::Rng& rng, MutableBytes out);
  bool IsHinted() const;
  Outcome OpenBeside(Instant now, crypto::Rng& rng, MutableBytes out);
  mikey::v2::Offerer::Outcome Step(ByteView datagram, Instant now, crypto::Rng& rng,
                                   MutableBytes out);
  std::unique_ptr<mikey::v2::Offerer> NewOfferer();
  mikey::v2::Policy PolicyWith(bool ticket) const;
  mikey::v2::Wish WishOf(mikey::v2::Shown shown) const;
  std::optional<mikey::v2::Resumption> TakeTicket(Instant now);
  Outcome Report(mikey::v2::ReportKind kind, Instant now, crypto::Rng& rng, MutableBytes out);
  Outcome ReportDue(Instant now, crypto::Rng& rng, MutableBytes out);
  Outcome TakeKeys(ByteView datagram, Instant now);
  Outcome After(const mikey::v2::Offerer::Outcome& step, Instant now, crypto::Rng& rng);
  void OpenAgain(Instant now, crypto::Rng& rng);
  void PauseAfterFailure(Instant now, crypto::Rng& rng);
  void KeepTicketGiven();
  Duration Window() const;
  void Ask(Instant now, crypto::Rng& rng);
  void AskUnconfirmed(Instant now, crypto::Rng& rng);
  void Cured();
  bool IsBusy() const { return open_at_ != kNever || offerer_->deadline() != kNever; }
  bool IsDue(Instant now) const { return std::min(schedule_.deadline(), acknowledge_at_) <= now; }
  Duration Part(Duration most, crypto::Rng& rng) const;

  const crypto::Suite& suite_;
  JoinSetup setup_;
  Party party_;
  mikey::v2::Policy policy_;  // of the join under way
  std::optional<mikey::v2::DhPool> pool_;
  std::unique_ptr<mikey::v2::Offerer> offerer_;
  // Beside the first, which lacks what the server does not have; null: none.
  std::unique_ptr<mikey::v2::Offerer> other_;
  const mikey::v2::Offerer* last_;                                  // of the two, who wrote
  std::shared_ptr<const mikey::v2::Credentials> next_credentials_;  // from the next join on
  Reporter reporter_;
  mikey::v2::ReportSchedule schedule_;
  TicketKeeper& ticket_keeper_;
  std::optional<mikey::v2::Resumption> ticket_;
  Octets<mikey::v2::kFreshSize> fresh_;
  Instant open_at_ = Instant::min();
  unsigned failures_ = 0;
  bool by_ticket_ = false;   // the exchange under way
  bool is_by_hash_ = false;  // too
  bool is_new_ = true;       // keys of the exchange under way have not come yet
  bool has_ticket_ = false;  // its ticket was taken
  bool is_joined_ = false;
  bool is_leaving_ = false;
  bool is_left_ = false;
  bool is_loose_ = false;  // the last keys came outside of an exchange
  bool takes_msk_messages_ = false;
  bool is_beyond_packets_ = false;  // what is asked for, no packet tells or brings
  KeyNumber used_;
  mikey::v2::MissedMsk missed_;
  unsigned repairs_ = 0;
  Instant acknowledge_at_ = kNever;
};

}  // namespace keymast::receiver
