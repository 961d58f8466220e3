// SPDX-License-Identifier: Apache-2.0
// From a configuration to an open store.
#pragma once

#include "crypto/primitives.h"
#include "server/config.h"
#include "server/durable.h"

namespace keymast::server {

struct OpenedStore {
  std::unique_ptr<Durable> durable;
  rekey::State state;
  About about;
  crypto::KeyPair import_key;
};

// CheckInit says what would be in the way of InitStore before anything is made: a witness of other
// data, or one in use.
tl::expected<void, Failure> CheckInit(const ServerConfig& config);

// HoldsData says whether something is in the data directory that a master key may have sealed; also
// when it cannot be looked into.
bool HoldsData(const ServerConfig& config);

// InitStore makes data directory, witness and import key; false when they are there already.
tl::expected<bool, Failure> InitStore(const ServerConfig& config,
                                      const crypto::SecretKey<32>& master_key);

// OpenStore recovers the acknowledged state. The failure says what is wrong and what to do.
tl::expected<OpenedStore, Failure> OpenStore(const ServerConfig& config,
                                             const crypto::SecretKey<32>& master_key);

// StateHashOf hashes everything in the state that decides what comes next.
std::array<uint8_t, 32> StateHashOf(const rekey::State& state);

}  // namespace keymast::server
