// SPDX-License-Identifier: Apache-2.0
// From a configuration to an open store.
#pragma once

#include "records/meta.h"
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

struct MadeStore {
  bool is_new = false;
  std::array<uint8_t, 32> import_key{};  // the public one
  std::string master_key_id;
};

// InitStore makes data directory, witness and import key. Nothing is written when they are there
// already; one of `master_keys` is theirs then. New ones belong to the first.
tl::expected<MadeStore, Failure> InitStore(const ServerConfig& config,
                                           const records::MasterKeys& master_keys);

// PeekMeta reads the meta entry without writing anything, also while keymastd runs; absent when
// there are no data yet.
tl::expected<std::optional<records::Meta>, Failure> PeekMeta(
    const ServerConfig& config, const records::MasterKeys& master_keys);

// OpenStore recovers the acknowledged state. The failure says what is wrong and what to do.
tl::expected<OpenedStore, Failure> OpenStore(const ServerConfig& config,
                                             const records::MasterKeys& master_keys);

// StateHashOf hashes everything in the state that decides what comes next.
std::array<uint8_t, 32> StateHashOf(const rekey::State& state);

}  // namespace keymast::server
