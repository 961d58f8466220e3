// SPDX-License-Identifier: Apache-2.0
// What a context of the C interface (include/keymast/receiver.h) is.
#pragma once

#include "mikey/v2/loose_keys.h"
#include "mikey/v2/missed_msk.h"
#include "mikey/v2/offerer.h"
#include "receiver/library/channel.h"
#include "receiver/library/join_policy.h"
#include "receiver/library/own_credentials.h"
#include "receiver/library/saved.h"
#include "receiver/library/table.h"

namespace keymast::receiver::library {

class Receiver {
 public:
  // The member's fields are good; the table is borrowed.
  Receiver(const keymast_crypto& crypto, const keymast_member& member);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  Status Restore(ByteView saved);

  // All of these but Used and the questions need that all actions were taken.
  bool HasActions() const;
  void Join(uint8_t channel, const keymast_group& group, uint64_t now);
  void Leave(uint8_t channel, uint64_t now);
  Status Receive(ByteView datagram, uint64_t now);
  void Tick(uint64_t now);
  Status Missing(uint8_t channel, ByteView mki, uint64_t now);

  Status Used(uint8_t channel, ByteView mki, uint64_t now);
  uint64_t deadline() const;
  bool Next(keymast_action& action);
  const Channel& channel(uint8_t index) const { return channels_[index].keys; }

 private:
  static constexpr uint8_t kNobody = 0xff;
  // A REPORT whose answer is awaited; kind 0: none.
  struct Awaited {
    mikey::v2::ReportKind kind{};
    uint8_t channel = kNobody;
    uint64_t until = 0;
    std::array<uint8_t, mikey::v2::kRandOctets> rand{};
    mikey::v2::Digest hash{};
  };
  static constexpr size_t kAwaited = kPskOnly ? 1 : 4;  // one a channel, or all of a leave
  // What a channel wants and has to tell beside its keys.
  struct Followed {
    Channel keys;
    bool wants_keys = false;           // waits until it may ask
    bool is_joined = false;            // to be told
    bool takes_msk_messages = false;   // by its join
    Error failure = Error::kInternal;  // to be told when
    bool has_failed = false;
    bool has_left = false;  // to be told, for
    Error left = Error::kInternal;
    bool is_proven = false;  // that keys are missing: by GROUP_REKEY
    uint8_t leaves_told = 0;
    uint64_t leave_at = kNoTime;                         // at which a leave is told, again
    uint64_t held_since = 0;                             // the newest MSK
    mikey::v2::MissedMsk missed;                         // what packets and MTK messages tell of
    [[no_unique_address]] mikey::v2::OwnersFresh fresh;  // that the last exchange gave
    uint64_t missing_at = kNoTime;                       // at which missing keys are asked for
    uint32_t missing_window = 1;                         // in windows of the group
  };
  // What an exchange left for the next one of a channel (MIKEYv2 §11).
  struct Ticket {
    uint8_t channel = kNobody;
    mikey::v2::Resumption resumption;
  };
  static constexpr size_t kTickets = 2;
  static constexpr uint32_t kMaxWindows = 16;  // MIKEYv2 §10: up to 16 fold
  static constexpr uint32_t kJoinWindows = 4;  // after two REPORTs

  Status ReceiveVersion1(ByteView datagram, uint64_t now);
  Status ReceiveMsk(Followed& followed, const mikey::Unverified& message, uint64_t now);
  Status CheckMsk(const mikey::Unverified& message, const SavedSender* sender) const;
  Status AnswerMsk(Followed& followed, const mikey::Unverified& message,
                   const mikey::OpenedMsk& opened);
  Status ReceiveMtk(Followed& followed, const mikey::Unverified& message, uint64_t now);
  Status ReceiveVersion2(ByteView datagram, uint64_t now);
  void TakeKeys(Followed& followed, uint64_t now);
  void TakeStanding(Followed& followed, const mikey::v2::MemberState& member);
  void Cured(Followed& followed, uint64_t now);
  void Opened(Followed& followed, KeyNumber msk, uint64_t now);
  void DropMissing(Followed& followed);
  void DropAwaited(const Followed& followed, bool all);
  const mikey::v2::Resumption* TicketOf(uint8_t index) const;
  void KeepTicket(uint8_t index);
  void DropTickets(uint8_t index);
  // REPORT and KEYS outside of exchanges: reports.cc.
  bool MayReport(const Followed& followed) const {
    return !kPskOnly && followed.keys.has_joined() && (followed.keys.features() & kReports) != 0 &&
           (has_user_key() || TicketOf(IndexOf(followed)) != nullptr);
  }
  bool has_user_key() const { return !kHasCertificates || !user_key_.empty(); }
  mikey::Identity GroupOf(const Followed& followed) const;
  crypto::Key32 ReportKeyOf(const Followed& followed) const;
  bool Report(Followed& followed, mikey::v2::ReportKind kind, uint64_t now,
              const mikey::v2::Digest* told_by = nullptr);
  void ReportMissing(Followed& followed, uint64_t now);
  void TickLeave(Followed& followed, uint64_t now);
  void EndLeave(Followed& followed, Error reason);
  bool IsLoose(ByteView datagram) const;
  Status ReceiveLoose(ByteView datagram, uint64_t now);
  Status TakeLoose(Followed& followed, ByteView datagram, uint64_t now);
  Status OpenLoose(Followed& followed, ByteView datagram, uint64_t now, mikey::v2::TakenKeys& keys,
                   Awaited& answered);
  // GROUP_REKEY: rekeys.cc.
  void SetFeatures(const Channel& keys);
  static bool IsRekey(ByteView datagram);
  Status ReceiveRekey(ByteView datagram, uint64_t now);
  uint64_t WindowOf(const Followed& followed) const;
  Duration RepairWindow(const Followed& followed) const {
    return std::chrono::milliseconds(WindowOf(followed));
  }
  void AskNext(uint64_t now);
  void Ask(uint8_t index, uint64_t now);
  void Fail(uint8_t index, Error error);
  void AskForMissing(Followed& followed, uint64_t now);
  bool MayMiss(const Followed& followed) const;
  void NoteMissing(Followed& followed, MskId msk, uint64_t now);
  void NoteProven(Followed& followed, uint64_t now);
  void PlanToAsk(Followed& followed, uint64_t now);
  SavedGroup& SavedOf(const Followed& followed);
  SavedMsk& SavedMskOf(const Followed& followed, const mikey::KeyIds& ids);
  bool NextState(keymast_action& action);
  void Begin();
  Instant InstantOf(uint64_t now) const;
  uint64_t MillisecondsOf(Instant instant) const;
  uint8_t IndexOf(const Followed& followed) const;
  uint64_t Draw(uint64_t below);

  TablePk pk_;
  TableRng rng_;
  crypto::Suite suite_;
  [[no_unique_address]] OwnCredentials credentials_;
  mikey::v2::Policy policy_;
  mikey::OwnedIdentity self_;
  crypto::Key32 user_key_;
  std::array<Followed, KEYMAST_CHANNELS> channels_;

  // One exchange at a time (MIKEYv2 §14), for the channel that asks.
  std::optional<mikey::v2::Offerer> offerer_;
  uint64_t began_ = kNoTime;  // the first exchange
  uint8_t asking_ = kNobody;
  bool has_taken_ = false;    // keys of this exchange
  bool is_resuming_ = false;  // it is opened by a ticket
  bool must_persist_ = false;
  uint8_t send_channel_ = 0;
  std::array<Ticket, kTickets> tickets_;
  std::array<Awaited, kAwaited> awaited_;

  Saved saved_;
  std::array<uint8_t, KEYMAST_SAVED_SIZE> saved_octets_;
  std::array<uint8_t, KEYMAST_DATAGRAM_SIZE> send_;
  size_t send_size_ = 0;
};
static_assert(sizeof(Receiver) <= KEYMAST_CONTEXT_SIZE);
static_assert(alignof(Receiver) <= alignof(keymast_receiver));

}  // namespace keymast::receiver::library
