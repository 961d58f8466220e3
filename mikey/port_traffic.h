// SPDX-License-Identifier: Apache-2.0
// One UDP port for media and its keying: what a datagram is, by its first octets (MIKEYv2 §2, RFC
// 7983 §7, RFC 5761 §4).
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace keymast::mikey {

enum class PortTraffic : uint8_t { kRtp, kRtcp, kDtls, kStun, kMikey, kOther };
inline constexpr size_t kPortTrafficKinds = 6;

// TrafficOf tells by what stands at the front; whether the rest is well formed is its reader's to
// say. What is kOther is dropped.
PortTraffic TrafficOf(ByteView datagram);

// TrafficName is a label for counters.
std::string_view TrafficName(PortTraffic traffic);

}  // namespace keymast::mikey
