// SPDX-License-Identifier: Apache-2.0
#include "rekey/expiry.h"

#include <algorithm>

#include "rekey/ladder.h"

namespace keymast::rekey {
namespace {

// EndOfMtk is the switch to an MTK that is still to be made.
Instant EndOfMtk(const ChannelState& channel, const Footing& on) {
  const Instant prepare = PrepareAt(channel.ladder, channel.channel);
  if (prepare != kNever) return prepare + channel.channel.policy.mtk_lead;
  const std::optional<Slot>& prepared = channel.ladder.prepared;
  if (!prepared || on.held) return kNever;
  return prepared->switch_at + channel.channel.policy.mtk_period;
}

// EndOfMsk is the change to an MSK that is still to be made.
Instant EndOfMsk(const Ladder& ladder) {
  if (!ladder.msk || ladder.next_msk) return kNever;
  if (Excludes(ladder.next_msk_reason)) return ladder.msk->ends;
  return std::min(ladder.msk->ends, ladder.next_msk_change);
}

bool MtkIsLate(const ChannelState& channel, const Footing& on) {
  if (channel.ladder.prepared) return false;
  const Instant end = EndOfMtk(channel, on);
  return end != kNever && on.now > end - channel.channel.policy.mtk_lead / 2;
}

bool MskIsLate(const ChannelState& channel, const Footing& on) {
  const Instant end = EndOfMsk(channel.ladder);
  if (end == kNever) return false;
  const Duration lead = channel.channel.policy.msk_lead;
  if (!CanMakeMsk(channel.ladder)) return on.now > end - lead;
  // One that shuts somebody out is made at its instant, without a lead.
  return !Excludes(channel.ladder.next_msk_reason) && on.now > end - lead / 2;
}

bool HasNoCounter(const Ladder& ladder, const Footing& on) {
  const Msk* msk = ladder.active ? MskOf(ladder, ladder.active->msk) : nullptr;
  if (msk == nullptr) return false;
  return msk->counter.next > UINT32_MAX || (on.frozen && msk->counter.Empty());
}

}  // namespace

Instant NextExpiry(const ChannelState& channel, const Footing& on) {
  return std::min(EndOfMtk(channel, on), EndOfMsk(channel.ladder));
}

bool RunsOut(const ChannelState& channel, const Footing& on) {
  return MtkIsLate(channel, on) || MskIsLate(channel, on) || HasNoCounter(channel.ladder, on);
}

Instant LastMade(const State& state) {
  Instant last = Instant::min();
  for (const auto& [id, channel] : state.channels) {
    const Ladder& ladder = channel.ladder;
    for (const auto* msk : {&ladder.msk, &ladder.next_msk}) {
      if (*msk) last = std::max(last, (*msk)->made);
    }
    if (!channel.history.empty()) last = std::max(last, channel.history.back().prepared_at);
  }
  for (const auto& [number, key] : state.tickets.keys) last = std::max(last, key.made);
  return last;
}

}  // namespace keymast::rekey
