// SPDX-License-Identifier: Apache-2.0
// A member's side of a group by MIKEYv2 between its joins (MIKEYv2 §10): REPORTs, KEYS outside of
// exchanges, GROUP_REKEYs. When to report is ReportSchedule's to say. Octets in, octets out; no
// socket, no clock, no file.
#pragma once

#include <optional>
#include <string>

#include "mikey/v2/group_rekey_reader.h"
#include "mikey/v2/loose_keys.h"
#include "mikey/v2/offerer.h"
#include "mikey/v2/report_schedule.h"
#include "receiver/counter_file.h"
#include "receiver/keyring.h"

namespace keymast::receiver {

inline constexpr uint32_t kSignedMtkFeature = 1U << 3;  // MIKEYv2 §10
inline constexpr uint32_t kReportFeature = 1U << 6;     // MIKEYv2 §10

// TKeeper keeps T durably.
class TKeeper {
 public:
  virtual ~TKeeper() = default;
  // False when it could not; then nothing may rest on it.
  virtual bool Keep(const MemberTs& ts) = 0;
};

struct ReporterCounters {
  std::array<uint64_t, 4> reports{};  // sent, by kind from 1
  uint64_t keys = 0;                  // KEYS taken outside of exchanges
  uint64_t rekeys = 0;                // GROUP_REKEYs whose signature was good
  std::array<uint64_t, kErrorCount> discards{};
};

class Reporter final : private mikey::v2::TreeKeys {
 public:
  // `suite` and `keeper` outlive the reporter; `ts` are those kept before.
  Reporter(const crypto::Suite& suite, const mikey::OwnedIdentity& self, std::string uri,
           const MemberTs& ts, TKeeper& keeper);
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  // Joined takes over where an exchange says that the member stands; errors as CheckInstall's: then
  // nothing of its keys is to be taken. A join opens what REPORT may have lost.
  Status Joined(const mikey::v2::Offerer& offerer);
  // SetKey gives R, with the ticket that tells it to the controller, or none: that of the user key.
  // The one before is kept until KEYS came under the new one (MIKEYv2 §4.4): a second REPORT that
  // is not answered goes under it.
  void SetKey(const crypto::Key32& r, Bytes ticket);

  // can_report: it knows group and R, and A takes REPORTs.
  bool can_report() const { return group_.has_value() && takes_reports_ && !key_.empty(); }
  // How many REPORTs `missing` were sent since KEYS came.
  unsigned unanswered() const { return unanswered_; }

  // Holds tells of the newest MSK that the receiver has. True: it is another one than before.
  bool Holds(MskId newest, Instant now);

  // RetireBelow lets go of MSKs: one with this number is in use (MIKEYv2 §10).
  void RetireBelow(KeyNumber number);

  // Report writes one in `out` and returns its length. kStoreClosed where its T cannot be kept,
  // kIdsExhausted where there is none left.
  Result<size_t> Report(mikey::v2::ReportKind kind, Instant now, crypto::Rng& rng,
                        MutableBytes out);

  // Cured: what was missing has come otherwise, and answers to REPORTs `missing` are not awaited
  // any more.
  void Cured();

  // IsForUs is true for KEYS of the group, which belong to no exchange.
  bool IsForUs(ByteView datagram) const;
  // TakeKeys takes KEYS that answer a REPORT of the last kAnswerTime, or that nobody asked for.
  // Every error is a discard; of KEYS whose MAC is good and whose keys are none for us T counts.
  struct Taken {
    bool has_keys = false;  // newer ones, or the same; contents() has them until the next call
    bool is_leave = false;  // the answer to a leave
    bool is_to_acknowledge = false;  // REPORT `acknowledge` is due
  };
  Result<Taken> TakeKeys(ByteView datagram, Instant now);
  const mikey::v2::Streams& streams() const { return taken_.streams(); }
  const mikey::v2::Contents& contents() const { return taken_.contents(); }

  // Wipe what KEYS brought, when it is taken.
  void Wipe() { taken_.Wipe(); }

  // OnGroupRekey checks one (MIKEYv2 §10): trees are not read here, so that it brings no keys. True
  // when keys are missing because of it.
  bool OnGroupRekey(ByteView datagram, Instant now);

  // The group's repair window, once it has joined.
  Duration window() const { return rekeys_ ? rekeys_->window() : Duration(); }

  // Signer says whose signature MTK messages need (EXT 242): nothing where they need none; a null
  // key where none is held, so that none is good. Good until the next call that changes anything.
  std::optional<MtkSigner> signer() const;

  const ReporterCounters& counters() const { return counters_; }

 private:
  // TreeKeys.
  Found Derive(const mikey::v2::RekeyHead&, ByteView, crypto::Key32&) override {
    return Found::kNothingHere;
  }
  void Commit() override {}

  Status CheckNewest(const mikey::v2::Contents& contents) const;
  Status Place(const mikey::v2::Contents& contents, bool asked, Instant asked_at);
  Status TakeTs(const mikey::v2::Contents& contents);
  std::optional<uint32_t> NextT();

  const crypto::Suite& suite_;
  const mikey::OwnedIdentity self_;
  const std::string uri_;
  TKeeper& keeper_;
  MemberTs kept_;
  uint32_t t_;  // of the last REPORT
  struct Key {
    crypto::Key32 r;
    Bytes ticket;
    bool empty() const { return r.empty(); }
  };
  const Key& KeyToUse() const;
  void Served(const crypto::Key32& r);

  Key key_;
  Key key_before_;  // empty: none is kept
  bool takes_reports_ = false;
  bool needs_signer_ = false;  // A uses feature 3
  std::optional<mikey::v2::GroupName> group_;
  std::optional<mikey::v2::RekeyReader> rekeys_;
  FixedList<MskId, mikey::v2::kMaxMsks> msks_;  // that it holds
  MskId newest_;
  Instant held_since_{};
  unsigned unanswered_ = 0;
  struct Sent {
    mikey::v2::ReportKind kind{};
    mikey::v2::ReportBinding binding;
    Instant until = Instant::min();  // which its answer is taken
  };
  Sent* AnsweredBy(ByteView datagram, Instant now, Status& opened);

  // The last REPORTs, as many as a leave has, until they are answered.
  std::array<Sent, 4> sent_;
  size_t next_sent_ = 0;
  std::optional<mikey::v2::Digest> told_by_;  // KEYS that are to be acknowledged
  mikey::v2::TakenKeys taken_;
  ReporterCounters counters_;
};

}  // namespace keymast::receiver
