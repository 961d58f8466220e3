// SPDX-License-Identifier: Apache-2.0
// What an answering side will choose, told before the CAP has come: a=mikeyv2-cap of an answer has
// it (MIKEYv2 §12).
#pragma once

#include "mikey/v2/credentials.h"
#include "mikey/v2/party.h"

namespace keymast::tools {

// Decided has one mode, and one of each other thing that is chosen.
struct Decided {
  mikey::v2::Policy policy;  // signatures and FRAGMENTs are those that we take: they are not chosen
  Octets<1> signature;       // of the key that will sign; empty: none does
};

// Decide takes the offer's first of each that is ours, as an Answerer does, so that nothing else
// can be chosen when the CAP comes. Modes by certificate need credentials. kUnsupportedPolicy.
Result<Decided> Decide(const mikey::v2::Capabilities& offer, const mikey::v2::Policy& ours,
                       const mikey::v2::Credentials* credentials);

// AnswerTlvs are those of the CAP payload of the answer that this leads to.
Bytes AnswerTlvs(const Decided& decided, ByteView session);

}  // namespace keymast::tools
