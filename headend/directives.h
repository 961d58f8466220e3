// SPDX-License-Identifier: Apache-2.0
// What the server says, read and checked: nothing of it is believed before it was.
#pragma once

#include "crypto/primitives.h"
#include "headend/channel.h"
#include "keymast/v1/headend.pb.h"

namespace keymast::headend {

inline constexpr int kMaxStreams = 16;
inline constexpr int kMaxSources = 8;

// ReadChannel: kMalformed names, addresses or numbers out of range; kUnsupportedPolicy for a
// profile that this build does not know.
Result<ChannelDefinition> ReadChannel(const v1::Channel& message);

// ReadPositions takes the highest index of each stream; what is out of range is left out.
Positions ReadPositions(const v1::ChannelDefinition& message);

// ChannelOf reads `channels/NAME`. kMalformed.
Result<ChannelId> ChannelOf(std::string_view name);

// OpenTrafficKey opens a box that was sealed to `keys` for `headend` and `channel`. kMalformed
// (ids or instant out of range), kUnsupportedPolicy (another profile than the channel's),
// kTruncated, kDecryptionFailed, kUnexpected (what is in it has not the profile's length).
Result<TrafficKey> OpenTrafficKey(const v1::TrafficKeyBox& box, const crypto::KeyPair& keys,
                                  const HeadendId& headend, const ChannelDefinition& channel);

}  // namespace keymast::headend
