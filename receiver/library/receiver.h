// SPDX-License-Identifier: Apache-2.0
// What a context of the C interface (include/keymast/receiver.h) is.
#pragma once

#include "mikey/v2/loose_keys.h"
#include "mikey/v2/offerer.h"
#include "receiver/library/channel.h"
#include "receiver/library/saved.h"
#include "receiver/library/table.h"

namespace keymast::receiver::library {

inline constexpr uint32_t kReports = 1u << 6;  // feature 6 (MIKEYv2 §10)

class Receiver {
 public:
  // The member's fields are good; the table is borrowed.
  Receiver(const keymast_crypto& crypto, const keymast_member& member);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  Status Restore(ByteView saved) { return ReadSaved(suite_, saved, saved_); }

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
  // What a channel wants and has to tell beside its keys.
  struct Followed {
    Channel keys;
    bool wants_keys = false;           // waits until it may ask
    bool is_joined = false;            // to be told
    Error failure = Error::kInternal;  // to be told when
    bool has_failed = false;
    uint64_t missing_at = kNoTime;  // at which missing keys are asked for
    uint32_t missing_window = 1;    // in windows of the group
    uint64_t held_since = 0;        // the newest MSK
    uint64_t leave_at = kNoTime;    // at which a leave is told, again
    uint8_t leaves_told = 0;
    bool has_left = false;  // to be told, for
    Error left = Error::kInternal;
  };
  // What an exchange left for the next one of a channel (MIKEYv2 §11).
  struct Ticket {
    uint8_t channel = kNobody;
    mikey::v2::Resumption resumption;
  };
  static constexpr size_t kTickets = 2;
  static constexpr uint32_t kMaxWindows = 16;  // MIKEYv2 §10: up to 16 fold

  Status ReceiveVersion1(ByteView datagram, uint64_t now);
  Status ReceiveMsk(Followed& followed, const mikey::Unverified& message);
  Status CheckMsk(const mikey::Unverified& message, const SavedSender* sender) const;
  Status AnswerMsk(Followed& followed, const mikey::Unverified& message,
                   const mikey::OpenedMsk& opened);
  Status ReceiveMtk(Followed& followed, const mikey::Unverified& message, uint64_t now);
  Status ReceiveVersion2(ByteView datagram, uint64_t now);
  void TakeKeys(Followed& followed, uint64_t now);
  void TakeStanding(Followed& followed, const mikey::v2::MemberState& member);
  void Cured(Followed& followed, uint64_t now);
  mikey::v2::Resumption* TicketOf(uint8_t index, uint64_t now);
  void KeepTicket(uint8_t index);
  void DropTickets(uint8_t index);
  // REPORT and KEYS outside of exchanges: reports.cc.
  bool MayReport(const Followed& followed) const {
    return !kPskOnly && followed.keys.has_joined() && (followed.keys.features() & kReports) != 0;
  }
  mikey::Identity GroupOf(const Followed& followed) const;
  crypto::Key32 ReportKeyOf(const Followed& followed) const;
  bool Report(Followed& followed, mikey::v2::ReportKind kind, uint64_t now);
  void ReportMissing(Followed& followed, uint64_t now);
  void TickLeave(Followed& followed, uint64_t now);
  void EndLeave(Followed& followed, Error reason);
  bool IsLoose(ByteView datagram) const;
  Status ReceiveLoose(ByteView datagram, uint64_t now);
  Status TakeLoose(Followed& followed, ByteView datagram, uint64_t now);
  // GROUP_REKEY: rekeys.cc.
  void SetFeatures(const Channel& keys);
  static bool IsRekey(ByteView datagram);
  Status ReceiveRekey(ByteView datagram, uint64_t now);
  uint64_t WindowOf(const Followed& followed) const;
  void AskNext(uint64_t now);
  void Ask(uint8_t index, uint64_t now);
  void Fail(uint8_t index, Error error);
  void AskForMissing(Followed& followed, uint64_t now);
  void NoteMissing(Followed& followed, uint64_t now, uint64_t wait);
  SavedGroup& SavedOf(const Followed& followed);
  bool NextState(keymast_action& action);
  void Begin();
  uint8_t IndexOf(const Followed& followed) const;
  uint64_t Draw(uint64_t below);

  TablePk pk_;
  TableRng rng_;
  crypto::Suite suite_;
  mikey::v2::Policy policy_;
  mikey::OwnedIdentity self_;
  crypto::Key32 user_key_;
  std::array<Followed, KEYMAST_CHANNELS> channels_;

  // One exchange at a time (MIKEYv2 §14), for the channel that asks.
  std::optional<mikey::v2::Offerer> offerer_;
  uint8_t asking_ = kNobody;
  bool has_taken_ = false;    // keys of this exchange
  bool is_resuming_ = false;  // it is opened by a ticket
  std::array<Ticket, kTickets> tickets_;
  mikey::v2::ReportBinding binding_;  // of the last REPORT, until it is answered,
  uint8_t reported_ = kNobody;        // of this channel

  Saved saved_;
  std::array<uint8_t, KEYMAST_SAVED_SIZE> saved_octets_;
  bool must_persist_ = false;
  std::array<uint8_t, KEYMAST_DATAGRAM_SIZE> send_;
  size_t send_size_ = 0;
  uint8_t send_channel_ = 0;
};
static_assert(sizeof(Receiver) <= KEYMAST_CONTEXT_SIZE);
static_assert(alignof(Receiver) <= alignof(keymast_receiver));

}  // namespace keymast::receiver::library
