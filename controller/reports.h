// SPDX-License-Identifier: Apache-2.0
// REPORTs on the MIKEY port (MIKEYv2 §10): members that ask for keys they missed, say that they
// leave, or that KEYS have come. What is kept of a member for it is the controller's
// (ReportMembership); each REPORT is answered once, in one datagram.
#pragma once

#include <map>
#include <optional>

#include "controller/keying.h"
#include "mikey/v2/loose_keys.h"

namespace keymast::controller {

// Reported is what a good REPORT says; `newest` is the MSK that the member has.
struct Reported {
  mikey::v2::ReportKind kind = mikey::v2::ReportKind::kAcknowledge;
  uint32_t t = 0;
  MskId newest;
  bool by_ticket = false;  // its R is known to the controller while it reports alone
  Endpoint proved;         // where its member is; unset: it proves no address
};

// ReportMembership is what Reports asks of the controller.
class ReportMembership : public Membership {
 public:
  // CheckReport: kUnknownIdentity for who has not joined or has left, kNotEntitled, kStoreClosed
  // while nothing can be kept, kIdsExhausted for a leave after which no key could follow.
  virtual Status CheckReport(const ChannelId& channel, const SubscriberId& subscriber,
                             mikey::v2::ReportKind kind, Instant now) const = 0;
  // TakeReport keeps T, where the member proves to be, what it has and, of a leave, that it left.
  virtual void TakeReport(const ChannelId& channel, const SubscriberId& subscriber,
                          const Reported& reported, const Moment& m) = 0;
};

class Reports final : private mikey::v2::ReportDirectory {
 public:
  // Borrowed, as Keying's.
  struct Ground {
    const KeyingConfig& config;
    const mikey::Profile3gpp& profile;
    const crypto::Suite& suite;
    crypto::Rng& rng;
    ReportMembership& members;
    Keying& keying;  // its tickets; it makes addresses regular
    ReportCounters& counters;
  };
  explicit Reports(const Ground& ground);

  // Take handles a REPORT. A discard changes nothing but counters.
  void Take(const Endpoint& from, ByteView datagram, const Moment& m);

 private:
  using Report = mikey::v2::Report;
  // ReportDirectory, of the datagram under way.
  bool Serves(const Report& report) const override;
  const crypto::Key32* ReportKeyOf(const Report& report) const override;
  uint32_t LastT(const Report& report) const override;
  Status CheckTicket(const Report& report) const override;
  Status CheckMember(const Report& report) const override;
  void Take(const Report& report) override;

  const rekey::SubscriberState* Named(const mikey::Identity& identity) const;
  std::optional<mikey::v2::Resumption> Resumed(const Report& report) const;
  bool IsThere(const Report& report) const;
  Status Admit(const Report& report) const;
  bool TakeProof(const Report& report);
  void KeepTold(const Report& report, ByteView keys);
  void Answer(const mikey::v2::ReportTaker::Taken& taken, size_t most, const Moment& m);
  void Discard(Error error) { ++ground_.counters.discards[static_cast<size_t>(error)]; }

  const Ground ground_;
  mikey::v2::ReportTaker taker_;
  mutable Bucket members_;
  mutable Bucket beyond_;  // of members, from places above their rate
  mutable Bucket strangers_;
  mutable Rates hosts_;   // of strangers
  mutable Rates places_;  // where members are
  mutable Rates identities_;
  crypto::Key32 nobodys_key_;  // for the R of who is not known

  // Told are KEYS that went where their member has not proved to be.
  struct Told {
    Endpoint at;
    mikey::v2::Digest keys{};
    Instant when;
  };
  std::map<std::pair<ChannelId, SubscriberId>, Told> told_;
  Instant told_swept_{};

  // Of the datagram under way.
  const Moment* moment_ = nullptr;
  Endpoint from_;
  mutable Status admitted_;
  mutable ChannelId channel_id_;
  mutable SubscriberId subscriber_;
  mutable crypto::Key32 r_;
};

}  // namespace keymast::controller
