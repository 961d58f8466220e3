// SPDX-License-Identifier: Apache-2.0
// What the kernel's error numbers mean to callers of net.
#pragma once

#include "base/error.h"

namespace keymast::net {

// OpenError is the reason why a socket cannot be set up: kInUse, kNoInterface, kIo.
Error OpenError(int number);

// SendError is the reason why a datagram was refused: kNoBufferSpace, kNoInterface, kSendFailed.
Error SendError(int number);

// IsAboutEarlier tells errors that the kernel reports on a call that they do not concern: an ICMP
// message about a datagram sent before (udp(7)). Reporting clears them.
bool IsAboutEarlier(int number);

}  // namespace keymast::net
