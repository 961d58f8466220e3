// SPDX-License-Identifier: Apache-2.0
// Both sides of REPORT and of KEYS outside of exchanges (MIKEYv2 §10), as the honest side of an
// attack.
#pragma once

#include <set>

#include "receiver/reporter.h"
#include "tests/interop/mikeyv2_target_order.h"

namespace keymast::mikey::v2 {

// ReporterRole is the member: it reports, and takes KEYS.
class ReporterRole : private receiver::TKeeper {
 public:
  explicit ReporterRole(const LoopbackSocket& socket) : socket_(socket) {}
  // Begin where an exchange has joined.
  Json Begin(const Json& order, const Offerer& joined);
  Json Ask(const Json& order);
  Json Take(const Json& order);
  Json Cure();

 private:
  bool Keep(const receiver::MemberTs& ts) override {
    kept_ = ts;
    return true;
  }
  Json Told(const Status& status, size_t sent) const;

  const LoopbackSocket& socket_;
  crypto::SystemRng rng_;
  receiver::MemberTs kept_;
  std::unique_ptr<receiver::Reporter> reporter_;
};

// LabMembers are those of one group, as the order says.
class LabMembers : public ReportDirectory {
 public:
  LabMembers(const GroupName& group, const Json& order);
  bool Serves(const Report& report) const override;
  const crypto::Key32* ReportKeyOf(const Report& report) const override;
  uint32_t LastT(const Report& report) const override;
  Status CheckTicket(const Report& report) const override;
  Status CheckMember(const Report& report) const override;
  void Take(const Report& report) override;

 private:
  static std::string NameOf(const Report& report) {
    return std::string(AsText(report.member.data));
  }
  const GroupName group_;
  Bytes uri_;
  std::map<std::string, crypto::Key32> keys_;     // R by member
  std::map<std::string, crypto::Key32> tickets_;  // R by ticket, in hexadecimal
  std::set<std::string> void_;                    // tickets
  std::map<std::string, uint32_t> last_t_;
  std::set<std::string> left_;
};

// ControllerRole takes REPORTs, and answers each by KEYS without keys.
class ControllerRole {
 public:
  explicit ControllerRole(const LoopbackSocket& socket) : socket_(socket) {}
  Json Begin(const Json& order);
  Json Take(const Json& order);

 private:
  const LoopbackSocket& socket_;
  crypto::SystemRng rng_;
  GroupName group_;
  std::unique_ptr<LabMembers> members_;
  std::unique_ptr<ReportTaker> taker_;
};

}  // namespace keymast::mikey::v2
