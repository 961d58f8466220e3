// SPDX-License-Identifier: Apache-2.0
// sendmmsg of 64 datagrams to distinct addresses and nothing else: the floor of unicast pushes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace keymast::bench {

// SendRate sends `count` datagrams of 200 octets to as many addresses of 127/8 at `port`, and
// returns datagrams a second of this thread's processor time.
double SendRate(size_t count, uint16_t port);

}  // namespace keymast::bench
