// SPDX-License-Identifier: Apache-2.0
// What messages say of a group's streams, as the C interface shows it.
#pragma once

#include "include/keymast/receiver.h"
#include "mikey/mbms.h"
#include "mikey/v2/party.h"
#include "srtp/policy.h"

namespace keymast::receiver::library {

using StreamList = std::array<keymast_stream, KEYMAST_STREAMS>;

// ReadStreams returns what the streams' keys are like: kUnsupportedPolicy when they differ in that,
// or one has no profile of ours. Of a message of version 2 the parameters are exactly those of a
// profile (MIKEYv2 §9); of an MSK message all streams have the one policy that it brings.
Result<srtp::ProfileInfo> ReadStreams(const mikey::v2::Streams& streams, StreamList& out);
Result<srtp::ProfileInfo> ReadStreams(const mikey::OpenedMsk& opened, StreamList& out);

}  // namespace keymast::receiver::library
