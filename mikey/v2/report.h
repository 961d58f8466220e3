// SPDX-License-Identifier: Apache-2.0
// REPORT (MIKEYv2 §10): what a member tells a controller under a key of its own, and the order in
// which the controller checks it.
#pragma once

#include "mikey/v2/extensions.h"
#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {

inline constexpr size_t kReportSize = 411;  // octets that PADDING makes it, MIKEYv2 §3.4
// How long its answer is taken, MIKEYv2 §10.
inline constexpr Duration kAnswerTime = std::chrono::seconds(4);

// Report is what stands in one. Views are of the datagram, or borrowed for the call.
struct Report {
  CsbId csb_id;  // of the group
  Identity member;
  Identity group;  // its URI
  KeyIds ids;      // Key Domain ID and MSK ID
  uint32_t t = 0;  // COUNTER of the member
  ReportBody body;
  ByteView ticket;  // EXT 250 of a member without pre-shared key; empty: none
  ByteView rand;    // RANDR(1) of one that was read
};

// ReportBinding ties KEYS to the REPORT that they answer; both sides keep it until then.
struct ReportBinding {
  CsbId csb_id;
  Octets<kMaxRand> rand;
  Digest hash{};    // SHA-256 of the REPORT
  crypto::Key32 r;  // its R (MIKEYv2 §4.4)
};

// WriteReport writes a REPORT and returns its length in `out`. `rand` is drawn for it or, of one
// that acknowledges KEYS, their hash, by which it proves its address (MIKEYv2 §10): kRandOctets.
// kInvalidArgument for an identity that is missing, kTooLong when it does not fit in one datagram.
// `t` was reserved durably before.
Result<size_t> WriteReport(const crypto::Suite& suite, const Report& report, const crypto::Key32& r,
                           ByteView rand, MutableBytes out);

// BindReport is that of a REPORT that was written or taken.
ReportBinding BindReport(const crypto::Suite& suite, ByteView datagram, CsbId csb_id, ByteView rand,
                         const crypto::Key32& r);

// IsBehind is true when there is something newer than what a member reported: then `acknowledge` is
// answered by KEYS. `tree_id`, `epoch` and `newest` are what a new member would be given.
bool IsBehind(const ReportBody& told, ByteView tree_id, uint32_t epoch, MskId newest);

// ReportDirectory is what a controller knows of its members. No call changes anything but Take.
class ReportDirectory {
 public:
  virtual ~ReportDirectory() = default;
  // Whether REPORTs of this group are ours to answer.
  virtual bool Serves(const Report& report) const = 0;
  // R, also where it follows from the ticket that came along; null for a stranger. Nothing of the
  // report may be believed yet.
  virtual const crypto::Key32* ReportKeyOf(const Report& report) const = 0;
  // The greatest T that was taken from this member; 0: none.
  virtual uint32_t LastT(const Report& report) const = 0;
  // Whether the ticket serves (MIKEYv2 §11); this does not spend it. Asked where there is one.
  virtual Status CheckTicket(const Report& report) const = 0;
  // Whether the member is joined and has not left, then whether it is entitled.
  virtual Status CheckMember(const Report& report) const = 0;
  // Take keeps T and, of a leave, that it left: both durable before anything is sent.
  virtual void Take(const Report& report) = 0;
};

// ReportTaker checks in the order of MIKEYv2 §10.
class ReportTaker {
 public:
  // `rng` draws the key by which the V of strangers is checked, so that they cost the same.
  ReportTaker(const crypto::Suite& suite, ReportDirectory& members, crypto::Rng& rng);

  // Taken is a good REPORT: answer it by KEYS with group keys (`missing`), by KEYS without
  // (`leave`), or by KEYS when there is something newer (`acknowledge`), once, in at most two
  // datagrams to where it came from.
  struct Taken {
    Report report;  // of the datagram
    ReportBinding binding;
  };
  // Receive: every error is a discard that changed nothing and is answered by nothing.
  Result<Taken> Receive(ByteView datagram);

 private:
  const crypto::Suite& suite_;
  ReportDirectory& members_;
  crypto::Key32 nobodys_key_;
};

}  // namespace keymast::mikey::v2
