// SPDX-License-Identifier: Apache-2.0
// Channels with members, made without a store, for the benchmarks.
#pragma once

#include "bench/processes.h"
#include "controller/controller.h"
#include "server/config.h"
#include "server/core_client.h"

namespace keymast::bench {

// MakeChannel is a valid definition number `index` (from 0) on the loopback interface.
groups::Channel MakeChannel(size_t index, const groups::KeyPolicy& policy);

// MakeState holds `channels` channels with keys, and `members` members in the first one, joined and
// with the current MSK confirmed. Endpoints are distinct addresses of 127/8 at `port`.
rekey::State MakeState(size_t channels, size_t members, uint16_t port,
                       const groups::KeyPolicy& policy, crypto::Rng& rng, Instant now);

// LoopbackAddress is one of 127/8 for each `index` below kLoopbackAddresses; LoopbackIndex its
// inverse for those addresses.
inline constexpr size_t kLoopbackAddresses = size_t{250} * 250 * 250;
Endpoint LoopbackAddress(size_t index, uint16_t port);
size_t LoopbackIndex(const Endpoint& endpoint);

// ConfigIn has data and witness in the scratch directory, MakeMasterKeyIn writes a key file of the
// name that keymastd's configuration gives there, `master.key`.
server::ServerConfig ConfigIn(const Scratch& scratch);
crypto::LocalMasterKey MakeMasterKeyIn(const Scratch& scratch, crypto::Rng& rng);

// AwaitCore gives a connection to a keymastd that starts.
server::CoreClient AwaitCore(const std::string& socket, Child& keymastd);

// WriteState makes a data directory and commits all channels, subscribers and members to it.
void WriteState(const server::ServerConfig& config, const crypto::MasterKey& master_key,
                const rekey::State& state);

}  // namespace keymast::bench
