// SPDX-License-Identifier: Apache-2.0
// What an Offerer asks of what an answer or KEYS brings, beside form and proof. Nothing here
// changes anything: what breaks a rule is dropped.
#pragma once

#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {

// Brought is what a message brings beside its proofs. Borrowed for the call.
struct Brought {
  const Message& message;
  const Streams& streams;
  const Contents& contents;
};

// ProfileOf the parameters of an SP, which are exactly one profile's, as IANA numbers it.
std::optional<uint16_t> ProfileOf(ByteView params);

// CheckPolicies: each policy number of the map has one SP, each SP is used and is exactly one
// profile's, and the profiles are those of the choice (MIKEYv2 §3.3, §9). Of a message without
// streams there is nothing to ask. kMalformed.
Status CheckPolicies(const Brought& brought, const Profiles& chosen);

// CheckSessionAnswer: of a unicast answer all streams of the offer, and the one TGK where none
// follows from X (MIKEYv2 §3.5, §9). kMalformed.
Status CheckSessionAnswer(const Brought& brought, const Capabilities& offer, Mode mode);

// CheckSessionKeys: KEYS of a session brings a ticket at most (MIKEYv2 §3.1, §3.5, §11).
// kMalformed.
Status CheckSessionKeys(const Brought& brought);

// CheckGroupKeys: without an MSK there is a ticket at most, and none in an answer; with one there
// is all that MIKEYv2 §10 lists, of the group that was asked for. kMalformed; kUnknownChannel for
// keys of another group than the join's.
Status CheckGroupKeys(const Brought& brought, const KeyIds& join, bool is_answer);

}  // namespace keymast::mikey::v2
