// SPDX-License-Identifier: Apache-2.0
#include "server/standing.h"

#include <algorithm>

#include "rekey/expiry.h"

namespace keymast::server {

Standing StandingOf(const Shard& shard, const ClockView& clock) {
  Standing standing;
  bool runs_out = false;
  rekey::Footing on{shard.Now(), shard.Frozen()};
  for (const auto& [id, channel] : shard.controller().state().channels) {
    // Looked up by name only where it can be: there may be ten thousand channels.
    const std::optional<rekey::Slot>& prepared = channel.ladder.prepared;
    on.held = prepared && prepared->switch_at <= on.now && shard.controller().SwitchIsHeld(id);
    standing.held += uint64_t{on.held};
    standing.next_expiry = std::min(standing.next_expiry, rekey::NextExpiry(channel, on));
    runs_out = runs_out || rekey::RunsOut(channel, on);
  }
  if (shard.store_state() == StoreState::kClosed) standing.not_ready.push_back("store_closed");
  if (shard.store_state() == StoreState::kNoSpace) standing.not_ready.push_back("no_space");
  if (shard.CannotRecord()) standing.not_ready.push_back("audit_blocked");
  if (clock.unsure) standing.not_ready.push_back("clock_unsure");
  if (runs_out) standing.not_ready.push_back("key_expires");
  return standing;
}

}  // namespace keymast::server
