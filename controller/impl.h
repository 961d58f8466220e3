// SPDX-License-Identifier: Apache-2.0
// What the controller remembers beside the durable state, and its parts by idea. Everything here
// can be lost in a crash: it is rebuilt from the state, or learned anew from members and headends.
#pragma once

#include <map>
#include <set>
#include <unordered_map>

#include "controller/controller.h"
#include "controller/deadlines.h"
#include "controller/delivery.h"
#include "controller/keying.h"
#include "controller/pacer.h"
#include "controller/rates.h"
#include "controller/reports.h"
#include "controller/user_keys.h"
#include "rekey/grid.h"
#include "rekey/ladder.h"

namespace keymast::controller {

// Moment is the input being handled: when it is, which grid instant what it sends was placed on,
// and where its outcome goes.
struct Moment {
  Instant now;
  Instant due;
  Step& step;
};

using KeyName = std::pair<MskId, MtkId>;

// BuiltMtk is an MTK message that was built before its COUNTER was taken. It is the one message for
// these names: sent if they are what is asked for, else forgotten.
struct BuiltMtk {
  MskId msk;
  MtkId mtk;
  uint32_t counter = 0;
  Bytes octets;  // empty: there is none
};

// PushedKeys are KEYS that nobody asked for, octet for octet as they are repeated (MIKEYv2 §10).
struct PushedKeys {
  MskId newest;  // that they bring
  uint32_t t = 0;
  Instant sent{};
  Bytes octets;
};

// Channel is a channel at work.
struct Channel {
  rekey::ChannelState* durable = nullptr;
  const ChannelId& id() const { return durable->channel.id; }
  const groups::KeyPolicy& policy() const { return durable->channel.policy; }
  const rekey::Ladder& ladder() const { return durable->ladder; }

  Instant deadline = kNever;  // of the next tick: Deadlines
  Instant next_repetition{};
  // Extra repetitions for late joiners and exclusions.
  uint32_t extras = 0;
  Instant next_extra = kNever;
  Instant last_round{};
  bool unannounced = false;       // the next round is the first of the prepared MTK
  std::array<BuiltMtk, 2> built;  // for the next round: of the active and of the prepared MTK

  // MTKs that may have gone out under some index: those that a headend was given, and after a load
  // all that it brought.
  std::set<KeyName> given;
  // ROCs that receivers can follow from: of the last packet reported, or told by MSK messages.
  std::map<Ssrc, Roc> followed;

  bool excluding = false;  // the prepared MTK shuts someone out: older MSKs are silent
  bool held = false;       // the switch waits for a headend
  bool vetoed = false;     // no MTK can be prepared: Key Numbers are used up

  std::optional<Delivery> current;  // of ladder().msk
  std::optional<Delivery> next;     // of ladder().next_msk
  Pacer pacer;
  Bucket own_leaves;  // changes of keys that members caused by leaving themselves
  std::unordered_map<SubscriberId, PushedKeys> pushed;  // not acknowledged yet

  std::set<std::pair<Instant, SubscriberId>> window_ends;  // of joined members
  std::vector<HeadendId> headends;                         // enrolled
  uint64_t joined = 0;
  uint64_t confirmed = 0;  // joined members that hold the MSK of the active MTK, or a later one
};

// Subscriber is what is known of a subscriber in memory.
struct Subscriber {
  uint64_t last_counter = 0;  // highest COUNTER under its user key since the start
  Bucket failures;            // MACs that did not verify
  std::vector<ChannelId> memberships;
};

// HeadendView is what one connected headend said of itself for one channel.
struct HeadendView {
  std::vector<KeyName> held;
  std::optional<KeyName> current;     // the latest key it sent under
  std::map<KeyName, Instant> issued;  // boxes it was given, and when
  // Its state file was whole when it connected: it knows every index that it may have used, under
  // MTKs up to `newest`, the newest that the file has seen.
  bool continues = false;
  KeyName newest;
  bool Has(const KeyName& key) const;
  bool HasNothing() const { return held.empty() && !current; }
  bool WasJustGiven(const KeyName& key, Instant now) const;
};

struct Headend {
  bool connected = false;
  bool reported = false;  // since it connected
  std::map<ChannelId, HeadendView> views;
};

struct Controller::Impl final : ReportMembership {
  Impl(Config config_in, rekey::State state_in, crypto::Rng& rng_in, const crypto::Suite& suite_in)
      : config(std::move(config_in)), state(std::move(state_in)), rng(rng_in), suite(suite_in) {}

  using Outcome = tl::expected<Reply, Failure>;

  // Around commands (asking.cc).
  Outcome Do(const Command& command, const Asker& by, Instant now, const Moment* m);
  Outcome AnswerAgain(const rekey::KeptRequest& kept) const;
  void KeepRequest(const Reply& reply, const Moment& m);
  void Record(audit::Record record, const Moment& m);
  void PutCheckpoint(const Moment& m);
  Instant CheckpointDue() const;
  Instant OwnRecordDue() const;
  void PutOwnRecord(const Moment& m);
  void RecordStart(const Moment& m);
  bool IsStartOwed() const { return !start_method.empty() && start_sequence == 0; }

  // Commands (commands_*.cc, membership.cc). With `m` null everything is checked and nothing done.
  Outcome Handle(const CreateChannel& command, Instant now, const Moment* m);
  Outcome Handle(const UpdateChannel& command, Instant now, const Moment* m);
  Outcome Handle(const DeleteChannel& command, Instant now, const Moment* m);
  Outcome Handle(const CreateSubscribers& command, Instant now, const Moment* m);
  Outcome Handle(const UpdateSubscriber& command, Instant now, const Moment* m);
  Outcome Handle(const DeleteSubscribers& command, Instant now, const Moment* m);
  Outcome Handle(const CreateMembers& command, Instant now, const Moment* m);
  Outcome Handle(const UpdateMember& command, Instant now, const Moment* m);
  Outcome Handle(const DeleteMember& command, Instant now, const Moment* m);
  Outcome Handle(const Join& command, Instant now, const Moment* m);
  Outcome Handle(const Leave& command, Instant now, const Moment* m);
  Outcome Handle(const Expel& command, Instant now, const Moment* m);
  Outcome Handle(const CreateHeadend& command, Instant now, const Moment* m);
  Outcome Handle(const UpdateHeadend& command, Instant now, const Moment* m);
  Outcome Handle(const DeleteHeadend& command, Instant now, const Moment* m);
  Outcome Handle(const RekeyNow& command, Instant now, const Moment* m);
  Outcome Handle(const PutSchedule& command, Instant now, const Moment* m);
  Outcome Handle(const DeleteSchedule& command, Instant now, const Moment* m);
  Outcome Handle(const BeginOperation& command, Instant now, const Moment* m);
  Outcome Handle(const CancelOperation& command, Instant now, const Moment* m);
  Outcome Handle(const DeleteOperation& command, Instant now, const Moment* m);
  Outcome Handle(const DeleteBackup&, Instant, const Moment*) { return Reply{}; }
  // Of these (commands_*.cc).
  std::optional<Failure> OverQuota(uint64_t channels, uint64_t members);
  tl::expected<std::set<ChannelId>, Failure> CheckDeletion(const DeleteSubscribers& command) const;
  void Forget(const SubscriberId& id, const Moment& m);
  void FollowCalendar(Channel& channel, const ScheduleId& edited, const Moment& m);
  void ForgetOldOperations(const Moment& m);
  void MoveOperation(const OperationId& id, rekey::Progress progress, const Moment& m);
  void RunOperations(const Moment& m);
  void RekeyNext(const rekey::Operation& operation, const Moment& m);

  // Membership (membership.cc, leaving.cc).
  bool MarkJoined(Channel& channel, groups::Member& member, const Moment& m);
  void Unconfirm(Channel& channel, groups::Member& member);
  void TakeIn(Channel& channel, groups::Member member, const Moment& m);
  void Deliver(Channel& channel, const SubscriberId& subscriber, const Moment& m);
  bool CanShutOut(const Channel& channel) const;
  bool MayLeave(const Channel& channel) const;
  void StopSending(Channel& channel, const SubscriberId& id);
  void Withdraw(Channel& channel, const groups::Member& member);
  void EndJoin(Channel& channel, groups::Member member, const Moment& m);
  void AfterLeave(Channel& channel, const Moment& m);
  void ShutOutBy(Channel& channel, Instant at, const Moment& m);
  void AfterOwnLeave(Channel& channel, const Moment& m);
  void Remove(Channel& channel, const SubscriberId& subscriber, const Moment& m);
  // CountLeave keeps that joins which it sent until now are not to be taken again, nor finished.
  void CountLeave(const Channel& channel, const SubscriberId& subscriber, const Moment& m);
  void EndWindows(Channel& channel, const Moment& m);

  // Rekeying (msk_change.cc, mtk_change.cc).
  rekey::Rekey ShutOut(Channel& channel, rekey::RekeyReason reason, const Moment& m);
  std::optional<rekey::Rekey> Replace(Channel& channel, rekey::RekeyReason reason, Duration lead,
                                      const Moment& m);
  std::optional<rekey::Rekey> MakeNextMsk(Channel& channel, rekey::RekeyReason reason,
                                          Instant change, const Moment& m);
  bool IsPushedTo(const groups::Member& member) const;
  void DeliverToAll(Channel& channel, Delivery& delivery);
  std::optional<rekey::Rekey> PrepareMtk(Channel& channel, rekey::RekeyReason reason,
                                         std::optional<Instant> switch_at, const Moment& m);
  void ActivateMtk(Channel& channel, const Moment& m);
  rekey::Rekey Record(Channel& channel, rekey::Rekey rekey, const Moment& m);

  std::optional<std::string> SsrcHolder(const groups::Channel& channel) const;

  // Messages (mtk_send.cc, msk_push.cc).
  void Anticipate();
  void BuildRound(Channel& channel, Instant at) const;
  Bytes BuildMtk(const Channel& channel, const rekey::Slot& slot, uint32_t counter) const;
  Bytes TakeBuilt(Channel& channel, const rekey::Slot& slot, uint32_t counter) const;
  void SendMtk(Channel& channel, const rekey::Slot& slot, bool first, const Moment& m);
  void SendRound(Channel& channel, const Moment& m);
  // Announce sends a newly prepared MTK `copies` times, 50 ms apart, from `at` on.
  void Announce(Channel& channel, uint32_t copies, Instant at, const Moment& m);
  Duration SendAhead(const Channel& channel) const;
  // Hasten repeats now for someone who just came.
  void Hasten(Channel& channel, const Moment& m);
  void Repeat(Channel& channel, const Moment& m);
  void SendMsks(Channel& channel, const Moment& m);
  void SendMsk(Channel& channel, Delivery& delivery, const Moment& m);
  void TellGivenUp(const Channel& channel, const std::vector<SubscriberId>& given_up,
                   const Moment& m);
  std::optional<uint32_t> TakeMtkCounter(Channel& channel, MskId msk, const Moment& m);
  std::optional<uint32_t> TakeUserCounter(Subscriber& subscriber, const Moment& m);

  // Verification messages (verification.cc).
  Status Verify(ByteView octets, const Moment& m);
  void Confirm(Channel& channel, Delivery& delivery, const SubscriberId& id, const Moment& m);
  void KeepConfirmed(Channel& channel, const SubscriberId& id, MskId told, const Moment& m);

  // Joins by MIKEYv2 (joining.cc).
  const rekey::SubscriberState* SubscriberNamed(std::string_view identity) const override;
  const rekey::ChannelState* ChannelNamed(const ChannelId& id) const override;
  bool IsEntitled(const ChannelId& channel, const SubscriberId& subscriber,
                  Instant now) const override;
  Result<const groups::Member*> GiveKeys(const ChannelId& channel, const SubscriberId& subscriber,
                                         const Moment& m) override;
  uint32_t ReportTOf(const groups::Member& member) const override {
    return std::max(member.report_t, state.lost_report_t);
  }
  uint32_t KeysToldTo(const SubscriberId& subscriber) const override;
  void FinishJoin(const ChannelId& channel, const SubscriberId& subscriber, const Joined& joined,
                  const Moment& m) override;
  void KeepCertificates(const SubscriberId& subscriber, std::vector<Bytes> certificates,
                        const Moment& m) override;
  const rekey::Tickets& Tickets() const override { return state.tickets; }
  bool KeepTickets(rekey::Change change, const Moment& m) override;

  // REPORTs, and KEYS that nobody asked for (reporting.cc).
  Status CheckReport(const ChannelId& channel, const SubscriberId& subscriber,
                     mikey::v2::ReportKind kind, Instant now) const override;
  void TakeReport(const ChannelId& channel, const SubscriberId& subscriber,
                  const Reported& reported, const Moment& m) override;
  std::optional<uint32_t> PushKeys(Channel& channel, const SubscriberId& id, const Moment& m);
  std::optional<Bytes> WriteKeys(const Channel& channel, const SubscriberId& id, uint32_t t,
                                 crypto::Rng& from) const;

  // Plans (planning.cc).
  Instant PlannedSwitch(const Channel& channel, rekey::KeyLevel level, bool excludes,
                        Instant now) const;
  rekey::Rekey Checked(const Channel& channel, rekey::KeyLevel level, Instant now) const;
  tl::expected<RekeyPlan, Failure> Plan(const Channel& channel, rekey::KeyLevel level,
                                        const std::set<SubscriberId>& gone, Instant now) const;
  void PlanUnicast(const Channel& channel, const std::set<SubscriberId>& gone,
                   RekeyPlan& plan) const;
  uint64_t SizeOfKeys(const Channel& channel, const SubscriberId& id) const;

  // Headends (headends.cc, hold.cc, issue.cc).
  const HeadendView* ViewOf(const Channel& channel, const HeadendId& headend) const;
  bool PreparedIsAwaited(const Channel& channel, Instant now) const;
  bool PreparedIsHeld(const Channel& channel) const;
  Instant DecideSwitchAt(const Channel& channel, Instant now) const;
  void TrySwitch(Channel& channel, const Moment& m);
  void Resume(Channel& channel, const Moment& m);
  bool MayHave(const Channel& channel, const HeadendId& headend, const rekey::Slot& slot) const;
  void Renew(Channel& channel, const Moment& m);
  void Issue(Channel& channel, const HeadendId& headend, const rekey::Slot& slot, Instant switch_at,
             const Moment& m);
  void IssuePrepared(Channel& channel, const Moment& m);
  void TakePositions(const HeadendReport& report, const Moment& m);
  void Keep(Channel& channel, bool durable, bool jump, const Moment& m);
  void TakeKept(const HeadendReport& report, const Moment& m);
  void TakeHeld(const HeadendReport& report, Headend& headend);
  void Reconcile(Channel& channel, const HeadendId& headend, const Moment& m);

  // Life (life.cc, run.cc).
  Step Start(Instant now, bool new_incarnation);
  void Reincarnate(Channel& channel, const Moment& m);
  void Rebuild(Instant now);
  void Open(rekey::ChannelState& durable, Instant now);
  void Run(Channel& channel, const Moment& m);
  void Change(Channel& channel, const Moment& m);
  Instant NextChangeOf(const Channel& channel) const;
  void Schedule(Channel& channel, Instant now);
  Instant DeadlineOf(Channel& channel, Instant now);

  // Put decides: it applies the change to the working state and hands it out to be made durable.
  void Put(rekey::Change change, const Moment& m);
  void Tell(Event::Kind kind, const ChannelId& channel, std::string resource, const Moment& m);
  Channel* Find(const ChannelId& id);
  Channel& At(const ChannelId& id) { return channels.at(id); }

  Config config;
  rekey::State state;
  crypto::Rng& rng;
  const crypto::Suite& suite;
  Counters counters;

  std::map<ChannelId, Channel> channels;
  std::unordered_map<SubscriberId, Subscriber> subscribers;
  std::unordered_map<std::string, SubscriberId> identities;
  UserKeys user_keys{rng};
  size_t kept_certificates = 0;  // subscribers of whom some are kept
  std::map<HeadendId, Headend> headends;
  // COUNTER of MSK messages in use now, one for all user keys; 0: none taken since the start.
  uint64_t user_counter = 0;
  Deadlines<Channel> deadlines;
  Instant anticipated = kNever;   // the deadline for which messages were built
  bool frozen = false;            // changes cannot be made durable
  bool records_held = false;      // those of the audit log cannot
  std::string_view start_method;  // of the record of this start
  uint64_t start_sequence = 0;    // of that record; 0: it is owed
  const Asker* asker = nullptr;   // who asks for the command that is being carried out
  Instant next_operation = kNever;
  Keying keying{
      {config.identity, config.keying, config.profile, suite, rng, *this, counters.keying}};
  Reports reports{{config.keying, config.profile, suite, rng, *this, keying, counters.reports}};
};

}  // namespace keymast::controller
