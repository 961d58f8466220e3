// SPDX-License-Identifier: Apache-2.0
// A whole controller with one channel, as the honest side of an attack: what it keeps of members,
// tickets and rates is its own, and durable where it says so.
#pragma once

#include "controller/controller.h"
#include "tests/interop/mikeyv2_target_order.h"

namespace keymast::mikey::v2 {

class ServerRole {
 public:
  explicit ServerRole(const LoopbackSocket& socket) : socket_(socket) {}
  // Do an order; null: it is for others.
  Json Do(const std::string& what, const Json& order);

 private:
  Json Begin(const Json& order);
  Json Take(const Json& order);
  // Pass lets time go by.
  Json Pass(const Json& order);
  // Keep what is durable as it is; Restart from it where what came behind it is lost.
  Json Keep();
  Json Restart(const Json& order);
  Json Command(const controller::Command& command, Instant now);
  Json Add(const Json& order);
  void Start(Instant now, bool has_lost);
  // Release keeps what is durable and sends what goes to members.
  void Release(const controller::Step& step);
  Json Told(const Status& status) const;

  const LoopbackSocket& socket_;
  crypto::SystemRng rng_;
  controller::Config config_;
  rekey::State durable_;
  rekey::State kept_;
  std::unique_ptr<controller::Controller> core_;
  Instant now_{};
  std::vector<uint16_t> sent_;  // ports of datagrams of version 2 since the order came
};

}  // namespace keymast::mikey::v2
