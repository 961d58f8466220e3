// SPDX-License-Identifier: Apache-2.0
// Whether keymastd can serve and goes on to have keys on air: for /readyz and for metrics.
#pragma once

#include <string_view>
#include <vector>

#include "server/clock_watch.h"
#include "server/shard.h"

namespace keymast::server {

struct Standing {
  // Why it is not ready (docs/api.md): `store_closed`, `no_space`, `audit_blocked`, `clock_unsure`,
  // `key_expires`.
  std::vector<std::string_view> not_ready;
  Instant next_expiry = kNever;  // as rekey::NextExpiry, of all channels
  uint64_t held = 0;             // channels whose switch waits for a headend
};

Standing StandingOf(const Shard& shard, const ClockView& clock);

}  // namespace keymast::server
