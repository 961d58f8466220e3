// SPDX-License-Identifier: Apache-2.0
// Streams that share one address (RFC 9143).
#pragma once

#include "sdp/session.h"

namespace keymast::sdp {

// TakeBundle reads the first a=group:BUNDLE of a session's attributes, as far as it names streams
// that are not refused, and gives those that are in it with port 0 and a=bundle-only the address of
// the first that has one. What is bundle-only and in no bundle is refused.
void TakeBundle(const Attributes& attributes, Session& session);

bool IsBundled(const Session& session, const Stream& stream);

// Bundle finds what an answer to an offer shares one address for (RFC 9143 §7.3), and refuses what
// cannot be told from it: a stream at an address that another one has.
void Bundle(const Session& offer, Session& answer);

// CheckBundle is kPolicyViolation for an answer with a bundle that was not offered, or without one
// where its streams were offered at one address.
Status CheckBundle(const Session& offer, const Session& answer);

// AddressOf is where a stream of one side is received when `answer` was given: a bundle has the
// address of its first stream.
Endpoint AddressOf(const Session& side, size_t stream, const Session& answer);

}  // namespace keymast::sdp
