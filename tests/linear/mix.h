// SPDX-License-Identifier: Apache-2.0
// What the clients of one history ask for: a random mix over few resources, so that they meet.
#pragma once

#include "history.h"

namespace keymast::linear {

inline constexpr int kClients = 8;
inline constexpr int kEach = 50;

// An etag of what this client last saw of the resource.
inline constexpr uint64_t kLastSeen = UINT64_MAX;

// MixOf is the requests of each client. The same seed gives the same mix. With `is_rough`, where
// the server will be killed, more changes have a request id, to be tried again with.
std::vector<std::vector<Request>> MixOf(uint64_t seed, bool is_rough);

}  // namespace keymast::linear
