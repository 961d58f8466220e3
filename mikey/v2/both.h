// SPDX-License-Identifier: Apache-2.0
// Two parties that open a session to each other at once: one of the two exchanges gives way, but
// only to one that has verified, so that who forges a CAP ends nothing (MIKEYv2 §2). Whoever owns
// both machines calls these, and drops the keys of what has ended.
#pragma once

#include "mikey/v2/answerer.h"
#include "mikey/v2/offerer.h"

namespace keymast::mikey::v2 {

// GivesWay is true when both are sessions of the same two identities, opened from either side, with
// the same `session` or none, and this one has the greater RANDi.
bool GivesWay(const Exchange& exchange, const Exchange& other);

// WasOpenSince is true for an entry that had not ended when our own exchange began.
bool WasOpenSince(const Entry& entry, Instant when);

// OnVerified settles the finish of an entry beside which our own exchange was open. kOurs has given
// way to it and was abandoned. kTheirs, the entry, gives way to ours, which has taken its answer,
// and was forgotten: no KEYS are sent then, and no keys of it used.
enum class GaveWay : uint8_t { kNone, kOurs, kTheirs };
GaveWay OnVerified(const Entry& entry, Offerer& offerer, Answerer& answerer);

// OnAnswered settles the answer that our own exchange has taken: how many of the Answerer's, which
// were open beside it, have given way to it and were forgotten.
size_t OnAnswered(const Offerer& offerer, Answerer& answerer);

}  // namespace keymast::mikey::v2
