// SPDX-License-Identifier: Apache-2.0
// What a member of a group by MIKEYv2 keeps beside the COUNTERs: its T in the file of those, and a
// ticket in a file of its own, of mode 0600 as a key file.
#pragma once

#include "receiver/counter_file.h"
#include "receiver/joiner.h"

namespace keymast::receiver {

// A ticket with all that belongs to it, as octets with a digest behind them. kTooLong when it does
// not fit in `out`; kCorrupt, kNewerFormat for what is not one.
inline constexpr size_t kMaxTicketFile = 2048;
Result<size_t> TicketToOctets(const mikey::v2::Resumption& ticket, MutableBytes out);
Result<mikey::v2::Resumption> TicketFromOctets(const crypto::Suite& suite, ByteView octets);

class MemberState final : public TKeeper, public TicketKeeper {
 public:
  // `counters` are borrowed; null: nothing outlives the process. `path` is that of the state file.
  MemberState(CounterFile* counters, const std::string& path, std::string uri)
      : counters_(counters), ticket_path_(path + ".ticket"), uri_(std::move(uri)) {}

  MemberTs ts() const { return counters_ == nullptr ? MemberTs{} : counters_->member(uri_); }
  // The ticket that was kept. One that cannot be read is none.
  std::optional<mikey::v2::Resumption> ticket() const;

  bool Keep(const MemberTs& ts) override;
  bool KeepTicket(const mikey::v2::Resumption* ticket) override;

 private:
  CounterFile* counters_;
  std::string ticket_path_;
  std::string uri_;
};

}  // namespace keymast::receiver
