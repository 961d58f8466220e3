// SPDX-License-Identifier: Apache-2.0
// The sans-I/O heart: commands, datagrams, headend reports and instants in; changes, datagrams,
// sealed traffic keys, replies and the next deadline out. It owns no clock, socket or thread.
//
// The caller keeps the order decide, apply, batch, sync, release: a Step's `changes` must be
// durable before anything else of it, or of any later Step, leaves the process.
#pragma once

#include <memory>

#include "base/time.h"
#include "controller/asker.h"
#include "controller/counters.h"
#include "controller/join_credentials.h"
#include "controller/keying_config.h"
#include "crypto/boxes.h"
#include "crypto/dh.h"
#include "groups/version.h"
#include "mikey/profile3gpp.h"
#include "rekey/state.h"

namespace keymast::controller {

// Commands. Each either gives a Reply with its changes, or a Failure and no change at all.
// `expected`: the resource must still be this one; unset: whatever it is.
struct CreateChannel {
  groups::Channel channel;
};
struct UpdateChannel {  // display name and policy
  ChannelId id;
  std::string display_name;
  groups::KeyPolicy policy;
  std::optional<groups::Version> expected = {};
};
// Of deletions: with `allow_missing` what is not there counts as deleted.
struct DeleteChannel {
  ChannelId id;
  std::optional<groups::Version> expected = {};
  bool force = false;
  bool allow_missing = false;
};
struct NewSubscriber {
  SubscriberId id;
  std::string identity;
  crypto::Key32 user_key;
};
struct CreateSubscribers {
  std::vector<NewSubscriber> subscribers;
};
// UpdateSubscriber gives it another user key, of 16 to 32 octets.
struct UpdateSubscriber {
  SubscriberId id;
  crypto::Key32 user_key;
  std::optional<groups::Version> expected = {};
};
struct DeleteSubscribers {
  std::vector<SubscriberId> ids;
  bool force = false;
  bool allow_missing = false;
  std::optional<groups::Version> expected = {};  // of one
};
struct NewMember {
  groups::Member member;
  bool join = false;
};
struct CreateMembers {
  ChannelId channel;
  std::vector<NewMember> members;
};
struct UpdateMember {
  ChannelId channel;
  groups::Member member;
  std::optional<groups::Version> expected = {};
};
// DeleteMember takes a member out; keys change as by Expel when it may hold some.
struct DeleteMember {
  ChannelId channel;
  SubscriberId subscriber;
  std::optional<groups::Version> expected = {};
  bool allow_missing = false;
};
struct Join {
  ChannelId channel;
  SubscriberId subscriber;
};
struct Leave {
  ChannelId channel;
  SubscriberId subscriber;
};
struct Expel {
  ChannelId channel;
  std::vector<SubscriberId> subscribers;
  std::optional<groups::Version> expected = {};  // of the channel
};
struct CreateHeadend {
  groups::Headend headend;
};
struct UpdateHeadend {  // its channels
  HeadendId id;
  std::vector<ChannelId> channels;
  std::optional<groups::Version> expected = {};
};
struct DeleteHeadend {
  HeadendId id;
  std::optional<groups::Version> expected = {};
  bool allow_missing = false;
};
struct RekeyNow {
  ChannelId channel;
  rekey::KeyLevel level = rekey::KeyLevel::kMtk;
  std::optional<groups::Version> expected = {};  // of the channel
};

struct PutSchedule {
  ChannelId channel;
  groups::Schedule schedule;
  bool is_new = true;
  std::optional<groups::Version> expected = {};
};
struct DeleteSchedule {
  ChannelId channel;
  ScheduleId id;
  std::optional<groups::Version> expected = {};
  bool allow_missing = false;
};
struct BeginOperation {
  rekey::Operation operation;  // id, kind, principal, subject, targets, spread
};
struct CancelOperation {
  OperationId id;
};
struct DeleteOperation {
  OperationId id;
  bool allow_missing = false;
};
// DeleteBackup changes nothing here: that it was asked for is on record.
struct DeleteBackup {
  std::string id;
};

using Command =
    std::variant<CreateChannel, UpdateChannel, DeleteChannel, CreateSubscribers, UpdateSubscriber,
                 DeleteSubscribers, CreateMembers, UpdateMember, DeleteMember, Join, Leave, Expel,
                 CreateHeadend, UpdateHeadend, DeleteHeadend, RekeyNow, PutSchedule, DeleteSchedule,
                 BeginOperation, CancelOperation, DeleteOperation, DeleteBackup>;

// Reply says what the answer to a command needs besides the state itself.
struct Reply {
  // RekeyNow, Expel: the rekey that began, was under way already, or follows right behind one.
  std::optional<rekey::Rekey> rekey;
  uint64_t remaining = 0;    // Expel: members that are being sent the new MSK
  std::string made;          // BeginOperation: its id
  bool is_repeated = false;  // the request was carried out before; nothing was done now
};

// HeadendReport is what a connected headend says of itself. It is believed upward: an index never
// goes back here because a headend says less.
struct HeadendReport {
  HeadendId headend;
  struct PositionOf {
    ChannelId channel;
    Ssrc ssrc;
    rekey::Position position;
  };
  struct Held {
    ChannelId channel;
    MskId msk;
    MtkId mtk;
  };
  // Kept is what its state file says: indexes of the stream from `end` on were never used by it,
  // and (`msk`, `mtk`) is the newest MTK that it had.
  struct Kept {
    ChannelId channel;
    Instant created{};  // the channel
    Ssrc ssrc;
    PacketIndex end;
    MskId msk;
    MtkId mtk;
  };
  std::vector<PositionOf> positions;
  std::vector<Held> held;
  std::vector<Kept> kept;  // in the first report after it connected
};

// Way is how a multicast datagram leaves, as its channel wants it. It travels with the datagram, so
// that nobody looks the channel up at the instant at which thousands are due.
struct Way {
  std::string interface_address;  // empty: the system's choice
  uint8_t ttl = 0;
  uint8_t dscp = 0;
  friend auto operator<=>(const Way&, const Way&) = default;
};

// Datagram to send, of `channel`.
struct Datagram {
  Endpoint to;
  ChannelId channel;
  Bytes octets;
  // Grid instant it was placed on: lateness is send instant minus this. An answer has none.
  Instant due{};
  Way way{};  // of a multicast destination
};

// HeadendKey is an MTK sealed to one headend, bound to these fields by crypto::TrafficKeyAad.
struct HeadendKey {
  HeadendId headend;
  ChannelId channel;
  MskId msk;
  MtkId mtk;
  Instant switch_at{};
  uint64_t epoch = 0;
  SrtpProfile profile = SrtpProfile::kAesCm128HmacSha1_80;
  Bytes box;
};

struct Event {
  enum class Kind : uint8_t {
    kCreated = 2,
    kUpdated,
    kDeleted,
    kJoined,
    kLeft,
    kExpelled,
    kRekeyed,
    kConfirmed,
    kUnreachable,
    kHeadendConnected,
    kHeadendDisconnected
  };
  Kind kind = Kind::kCreated;
  ChannelId channel;     // empty: the event concerns no channel
  std::string resource;  // resource name
  Instant at{};
  std::optional<rekey::Rekey> rekey;
};

// Step is the outcome of one input.
struct Step {
  std::vector<rekey::Change> changes;
  std::vector<Datagram> datagrams;
  std::vector<HeadendKey> headend_keys;
  std::vector<HeadendId> headends_to_redefine;  // send them their channels anew
  std::vector<Event> events;
};

// Reachability is where the delivery of MSKs stands for one member.
enum class Reachability : uint8_t { kIdle = 1, kPending, kConfirmed, kUnreachable };

// AuditConfig: without a key nothing is recorded.
struct AuditConfig {
  std::shared_ptr<const crypto::PrivateKey> key;  // Ed25519, signs checkpoints
  std::string start;                              // resource of the record of a start
};

// Ahead is how much sooner than its instant something is done, so that it is in time on a machine
// whose disk and timers are late.
struct Ahead {
  Duration decide{};  // changes of keys by schedule: what announces them waits for no commit then
  Duration send{};    // rounds of MTK messages; half the time between two of them at most
};

struct Config {
  std::string identity;  // IDi: NAI of this server
  mikey::Profile3gpp profile;
  KeyingConfig keying = {};
  AuditConfig audit = {};
  Ahead ahead = {};
};

// RekeyPlan is what a rekey would send.
struct RekeyPlan {
  uint64_t recipients = 0;  // sent a message each
  uint64_t asking = 0;      // that ask by themselves
  uint64_t unicast_octets = 0;
  Duration unicast_time{};
  uint64_t multicast_messages = 0;  // until the switch
  uint64_t multicast_octets = 0;
  Instant switch_at{};
  bool joins_another = false;
  bool pierces_blackout = false;
};

class Controller {
 public:
  // Takes over the loaded state: counters start at the end of what was reserved. `rng` and the
  // suite must outlive the controller.
  Controller(Config config, rekey::State state, crypto::Rng& rng, const crypto::Suite& suite);
  ~Controller();

  // Start resumes every channel after a load: missed deadlines are caught up once, joined members
  // without confirmation of the current MSK are sent it again.
  // `new_incarnation`: the store lost acknowledged commits, so every channel gets a new MSK.
  Step Start(Instant now, bool new_incarnation);

  // Do carries out one command. With `validate_only` everything is checked and nothing changes. A
  // request that was carried out before is answered again: kRequestIdReused when it asked for
  // something else.
  tl::expected<Reply, Failure> Do(const Command& command, Instant now, bool validate_only,
                                  Step& step, const Asker& by = {});
  // MoveOperation keeps how far an operation is that is carried out elsewhere.
  Step MoveOperation(const OperationId& id, rekey::Progress progress, Instant now);
  // Checkpoint signs the end of the audit log, where it is not signed.
  Step Checkpoint(Instant now);
  // Plan says what Expel of `expelled`, or without them RekeyNow, would send: kNotFound,
  // kIdsExhausted.
  tl::expected<RekeyPlan, Failure> Plan(const ChannelId& channel, rekey::KeyLevel level,
                                        const std::vector<SubscriberId>& expelled,
                                        Instant now) const;

  // OnDatagram handles one datagram from the MIKEY port. A discard is counted and changes nothing.
  // Strangers wait until Serve, which handles one of them: so that members are served before them,
  // take in everything that has come, then serve.
  Step OnDatagram(const Endpoint& from, ByteView octets, Instant now);
  Step Serve(Instant now);
  size_t Waiting() const;
  // UseCredentials is for joins by certificate from now on; null: there are none. Exchanges that
  // hang on a trust which is not there any more end.
  void UseCredentials(std::shared_ptr<const JoinCredentials> credentials);
  // MIKEYv2 exchanges that are remembered.
  size_t Exchanges() const;
  // MakeAhead makes one more value for Diffie-Hellman for joins to come, in time that is left over:
  // false when there are enough, as HasRoomAhead says. MadeAhead: how many of a group there are.
  bool MakeAhead();
  bool HasRoomAhead() const;
  size_t MadeAhead(crypto::DhGroup group) const;
  // Subscribers of whom certificates are kept.
  size_t KeptCertificates() const;

  // A headend is given boxes after its first report, which says what it holds already.
  Step OnHeadendConnected(const HeadendId& headend, Instant now);
  Step OnHeadendDisconnected(const HeadendId& headend, Instant now);
  Step OnHeadendReport(const HeadendReport& report, Instant now);

  // Tick does everything that is due at `now`, for at most `most` channels; NextDeadline says when
  // to call it next.
  Step Tick(Instant now, size_t most = SIZE_MAX);
  Instant NextDeadline() const;
  // Anticipate builds, in time that is left over, the MTK messages that the next deadline will
  // probably ask for, so that little more than sending is left at that instant. It decides nothing:
  // a message that Tick then does not want is never sent. Again for the same deadline it does
  // nothing.
  void Anticipate();

  // Jumped is told that the clock jumped ahead: what became due on the way is due at `now`, not
  // late.
  void Jumped(Instant now);

  // Reload takes over a re-read state after a failed commit: counters go on where they are, what
  // was decided and not committed is forgotten.
  void Reload(rekey::State state, Instant now);

  // Freeze says whether changes can be made durable. While frozen, ticks do what needs no change:
  // keys that are out are switched to at their instants and go on being repeated, from counters
  // that are reserved already, and a verification is discarded, which the member repeats with the
  // next message. No step changes anything, and commands must not be given. Afterwards what was put
  // off is due at `now`.
  void Freeze(bool frozen, Instant now);

  // HoldRecords says whether records of the audit log cannot be made durable. While they cannot,
  // commands must not be given, and records of the controller's own and steps of operations are put
  // off; all else goes on.
  void HoldRecords(bool held);

  const Config& config() const;
  const rekey::State& state() const;
  const Counters& counters() const;
  Reachability ReachabilityOf(const ChannelId& channel, const SubscriberId& subscriber) const;
  // Members that have joined; of these, those that hold the MSK in use or a later one.
  uint64_t JoinedCount(const ChannelId& channel) const;
  uint64_t ConfirmedCount(const ChannelId& channel) const;
  bool HeadendIsConnected(const HeadendId& headend) const;
  bool SwitchIsHeld(const ChannelId& channel) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keymast::controller
