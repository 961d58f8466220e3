// SPDX-License-Identifier: Apache-2.0
#include "rekey/ladder.h"

#include "base/check.h"

namespace keymast::rekey {
namespace {

// Half of the 32-bit COUNTERs of MTK messages under one MSK (RFC 3830 §6.6).
constexpr uint64_t kWornCounter = uint64_t{1} << 31;

// PlannedSwitch is the first grid instant a whole lead after the last switch: after one on the grid
// that is a period later; after an exclusion's, which is off the grid, it returns to the grid.
Instant PlannedSwitch(const Ladder& ladder, const groups::Channel& channel) {
  return Grid(channel.id, channel.policy.mtk_period)
      .AtOrAfter(ladder.active->switch_at + channel.policy.mtk_lead);
}

bool NextMskTakesOver(const Ladder& ladder, Instant switch_at) {
  return ladder.next_msk && !Excludes(ladder.next_msk_reason) &&
         switch_at >= ladder.next_msk_change;
}

// A prepared MTK is replaced by another one under its own MSK.
const Msk& MskFor(const Ladder& ladder, Instant switch_at) {
  if (ladder.prepared) return *MskOf(ladder, ladder.prepared->msk);
  return NextMskTakesOver(ladder, switch_at) ? *ladder.next_msk : *ladder.msk;
}

}  // namespace

bool Excludes(RekeyReason reason) {
  return reason == RekeyReason::kExclusion || reason == RekeyReason::kLeave;
}

Instant PrepareAt(const Ladder& ladder, const groups::Channel& channel) {
  if (!ladder.active || ladder.prepared) return kNever;
  return PlannedSwitch(ladder, channel) - channel.policy.mtk_lead;
}

bool ShouldPrepare(const Ladder& ladder, const groups::Channel& channel, Instant now) {
  return now >= PrepareAt(ladder, channel);
}

Instant NextSwitch(const Ladder& ladder, const groups::Channel& channel, Instant now) {
  const Duration lead = channel.policy.mtk_lead;
  const Instant planned = PlannedSwitch(ladder, channel);
  if (now <= planned - lead / 2) return planned;
  return Grid(channel.id, channel.policy.mtk_period).AtOrAfter(now + lead);
}

bool ShouldActivate(const Ladder& ladder, Instant now) {
  return ladder.prepared && now >= ladder.prepared->switch_at;
}

Instant NextMskAt(const Ladder& ladder, const groups::Channel& channel) {
  if (ladder.next_msk || ladder.next_msk_change == kNever || Excludes(ladder.next_msk_reason)) {
    return kNever;
  }
  return ladder.next_msk_change - channel.policy.msk_lead;
}

bool ShouldMakeNextMsk(const Ladder& ladder, const groups::Channel& channel, Instant now) {
  return now >= NextMskAt(ladder, channel);
}

bool ShouldExclude(const Ladder& ladder, Instant now) {
  return Excludes(ladder.next_msk_reason) && now >= ladder.next_msk_change;
}

Result<Slot> NextSlot(const Ladder& ladder, Instant switch_at) {
  const Msk& msk = MskFor(ladder, switch_at);
  if (msk.last_mtk >= msk.high) return Err(Error::kIdsExhausted);
  // The first MTK ID under an MSK is SEQl, each next one higher by 1 (TS 33.246 §6.3.3.1).
  const uint16_t next =
      msk.last_mtk.value == 0 ? msk.low.value : static_cast<uint16_t>(msk.last_mtk.value + 1);
  return Slot{msk.id, MtkId(next), switch_at};
}

void Prepare(Ladder& ladder, const Slot& slot) {
  Msk* msk = MskOf(ladder, slot.msk);
  KEYMAST_CHECK(msk != nullptr && slot.mtk > msk->last_mtk && slot.mtk <= msk->high);
  msk->last_mtk = slot.mtk;
  ladder.prepared = slot;
  ++ladder.epoch;
}

bool PlanExhaustion(Ladder& ladder, const groups::Channel& channel) {
  const std::optional<Slot>& last = ladder.prepared ? ladder.prepared : ladder.active;
  const bool concerned = last && last->msk == ladder.msk->id && CanMakeMsk(ladder);
  if (!concerned || Excludes(ladder.next_msk_reason)) return false;
  const int64_t left = ladder.msk->high.value - ladder.msk->last_mtk.value;
  Instant out = last->switch_at + (left + 1) * channel.policy.mtk_period;
  if (ladder.msk->counter.next > kWornCounter) {
    out = std::min(out, last->switch_at + channel.policy.msk_lead);
  }
  if (out >= ladder.next_msk_change) return false;
  ladder.next_msk_change = out;
  ladder.next_msk_reason = RekeyReason::kExhaustion;
  return true;
}

void Activate(Ladder& ladder) {
  KEYMAST_CHECK(ladder.prepared.has_value());
  ladder.old = ladder.active;
  ladder.active = ladder.prepared;
  ladder.prepared.reset();
  if (!ladder.next_msk || ladder.active->msk != ladder.next_msk->id) return;
  ladder.msk = ladder.next_msk;
  ladder.next_msk.reset();
  // Whoever left meanwhile is still to be shut out; otherwise the new MSK's own end is next.
  if (Excludes(ladder.next_msk_reason)) return;
  ladder.next_msk_change = ladder.msk->ends;
  ladder.next_msk_reason = RekeyReason::kSchedule;
  ladder.next_msk_origin = {};
}

void Drop(Ladder& ladder) {
  ladder.prepared.reset();
  ladder.next_msk.reset();
}

const Msk* MskOf(const Ladder& ladder, MskId id) {
  if (ladder.msk && ladder.msk->id == id) return &*ladder.msk;
  if (ladder.next_msk && ladder.next_msk->id == id) return &*ladder.next_msk;
  return nullptr;
}

Msk* MskOf(Ladder& ladder, MskId id) { return const_cast<Msk*>(MskOf(std::as_const(ladder), id)); }

}  // namespace keymast::rekey
