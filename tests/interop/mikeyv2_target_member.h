// SPDX-License-Identifier: Apache-2.0
// A whole member of a group, as the honest side of an attack: it joins, asks for what it misses,
// takes keys and opens media by them.
#pragma once

#include "receiver/core.h"
#include "receiver/joiner.h"
#include "tests/interop/mikeyv2_target_order.h"

namespace keymast::mikey::v2 {

class MemberRole : private receiver::TKeeper, private receiver::TicketKeeper {
 public:
  explicit MemberRole(const LoopbackSocket& socket) : socket_(socket) {}
  // Do an order; null: it is for others.
  Json Do(const std::string& what, const Json& order);

 private:
  Json Begin(const Json& order);
  // What comes from the controller, by multicast, and as media.
  Json TakeKeying(Instant now);
  Json TakeMulticast(Instant now);
  Json TakeMedia(Instant now);
  // Pass lets time go by.
  Json Pass(Instant until);
  Json Leave(Instant now);
  void After(const receiver::Joiner::Outcome& step, ByteView out, Instant now);
  Json Told(const Status& status);

  bool Keep(const receiver::MemberTs& ts) override;
  bool KeepTicket(const Resumption* ticket) override;

  const LoopbackSocket& socket_;
  std::unique_ptr<crypto::SeededRng> rng_;
  uint16_t to_ = 0;
  receiver::MemberTs kept_;
  std::optional<Resumption> ticket_;
  std::unique_ptr<receiver::Joiner> joiner_;
  std::unique_ptr<receiver::Core> core_;
  Json sent_;         // since the order came: instant and data type
  std::string keys_;  // what was said of the last keys that came since
};

}  // namespace keymast::mikey::v2
