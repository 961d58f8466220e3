// SPDX-License-Identifier: Apache-2.0
// What an answering side will choose, told before the CAP has come: a=mikeyv2-cap of an answer has
// it (MIKEYv2 §12).
#pragma once

#include "mikey/v2/party.h"

namespace keymast::tools {

// Decide takes the offer's first of each that is ours, as an Answerer does, and gives a policy of
// these alone: so nothing else can be chosen when the CAP comes. kUnsupportedPolicy.
Result<mikey::v2::Policy> Decide(const mikey::v2::Capabilities& offer,
                                 const mikey::v2::Policy& ours);

// AnswerTlvs are those of the CAP payload of the answer that a decided policy leads to.
Bytes AnswerTlvs(const mikey::v2::Policy& decided, ByteView session);

}  // namespace keymast::tools
