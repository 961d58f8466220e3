// SPDX-License-Identifier: Apache-2.0
// Channels with members, made without a store, for the benchmarks.
#pragma once

#include "controller/controller.h"

namespace keymast::bench {

// MakeChannel is a valid definition number `index` (from 0) on the loopback interface.
groups::Channel MakeChannel(size_t index, const groups::KeyPolicy& policy);

// MakeState holds `channels` channels with keys, and `members` members in the first one, joined and
// with the current MSK confirmed. Endpoints are distinct addresses of 127/8 at `port`.
rekey::State MakeState(size_t channels, size_t members, uint16_t port,
                       const groups::KeyPolicy& policy, crypto::Rng& rng, Instant now);

}  // namespace keymast::bench
