// SPDX-License-Identifier: Apache-2.0
// The key ladder's schedule as pure functions of (ladder, channel, now): what is due, and what the
// ladder is after it. Nothing here draws randomness or builds messages.
//
// MTKs move Prepared -> Active -> Old at switch instants on the channel's grid. A new MSK takes
// over with the first MTK under it. `next_msk_change` is when the next MSK change is due; its
// reason says how it happens: kLeave and kExclusion shut someone out at that instant, all others
// deliver the next MSK a lead ahead.
#pragma once

#include "crypto/rng.h"
#include "rekey/grid.h"
#include "rekey/state.h"

namespace keymast::rekey {

// Excludes says whether an MSK change for this reason shuts someone out.
bool Excludes(RekeyReason reason);

// PrepareAt is when the next MTK is due to be prepared: a lead before the planned switch. kNever
// while one is prepared.
Instant PrepareAt(const Ladder& ladder, const groups::Channel& channel);
bool ShouldPrepare(const Ladder& ladder, const groups::Channel& channel, Instant now);

// NextSwitch is the switch instant of an MTK prepared at `now`: the planned one while at least half
// of the lead is left, else the first on the grid with a whole lead.
Instant NextSwitch(const Ladder& ladder, const groups::Channel& channel, Instant now);

// ShouldActivate says whether the prepared MTK's instant has come.
bool ShouldActivate(const Ladder& ladder, Instant now);

// NextMskAt is when the next MSK is due to be made: a lead before the change. kNever while one is
// being delivered or someone is to be shut out.
Instant NextMskAt(const Ladder& ladder, const groups::Channel& channel);
bool ShouldMakeNextMsk(const Ladder& ladder, const groups::Channel& channel, Instant now);

// ShouldExclude says whether leavers must be shut out now.
bool ShouldExclude(const Ladder& ladder, Instant now);

// NextSlot is the MTK to prepare for `switch_at`: the next ID under the MSK of that instant, or, in
// the place of a prepared one, under the MSK of that.
// kIdsExhausted when that MSK has none left (an MTK ID never wraps, TS 33.246 §6.3.3.1).
Result<Slot> NextSlot(const Ladder& ladder, Instant switch_at);

// Prepare puts `slot` into Prepared, in the place of what is there, and consumes its ID.
void Prepare(Ladder& ladder, const Slot& slot);

// PlanExhaustion brings the MSK change forward to the switch for which no MTK ID is left, or to a
// lead from now when half of the COUNTERs under the MSK are used. True when it did.
bool PlanExhaustion(Ladder& ladder, const groups::Channel& channel);

// Activate moves Active to Old and Prepared to Active, with its MSK when that is the next one.
void Activate(Ladder& ladder);

// Drop takes the prepared MTK and an undelivered next MSK away; their IDs stay consumed.
void Drop(Ladder& ladder);

// MskOf finds the MSK of a slot; null when the ladder has it no more.
const Msk* MskOf(const Ladder& ladder, MskId id);
Msk* MskOf(Ladder& ladder, MskId id);

// KeyNumbersLeft of the key group: none is ever used twice.
inline constexpr uint16_t kLastKeyNumber = 65535;
inline uint32_t KeyNumbersLeft(const Ladder& ladder) {
  return uint32_t{kLastKeyNumber} - ladder.last_key_number.value;
}
inline bool CanMakeMsk(const Ladder& ladder) { return KeyNumbersLeft(ladder) > 0; }

// MakeMsk draws a new MSK for use from `starts` on, with the next Key Number of the channel's
// group. `csb_id` names its crypto session bundle. kIdsExhausted when there is no number left.
Result<Msk> MakeMsk(const Ladder& ladder, const groups::Channel& channel, CsbId csb_id, Instant now,
                    Instant starts, crypto::Rng& rng);

}  // namespace keymast::rekey
