// SPDX-License-Identifier: Apache-2.0
// Whether a channel's keys will have successors in time, as pure functions of what is known of it.
#pragma once

#include "rekey/state.h"

namespace keymast::rekey {

// Footing is what a channel's future hangs on beside its ladder.
struct Footing {
  Instant now;
  bool frozen = false;  // no change can be made durable
  bool held = false;    // the switch to the prepared MTK waits for a headend
};

// NextExpiry is when the first key on air is planned to end whose successor is not made. kNever:
// both are there, or the successor waits for a headend.
Instant NextExpiry(const ChannelState& channel, const Footing& on);

// RunsOut says whether a key will end before its successor can be there: half of the lead in which
// the successor was to be brought to receivers has passed without one, none can be made any more
// and that lead has begun, or no COUNTER is left under the MSK in use.
bool RunsOut(const ChannelState& channel, const Footing& on);

// LastMade is the latest instant at which one of these keys was made: no later than now, unless the
// clock was set back.
Instant LastMade(const State& state);

}  // namespace keymast::rekey
