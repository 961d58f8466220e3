// SPDX-License-Identifier: Apache-2.0
// The entry that makes a store ours: which master key it belongs to, and behind that the record
// keys and the key to which credentials are sealed on their way in. What is in clear,
//
//   "keymast meta" and four zeros (16) | format (2) | how many master keys are named (1) |
//   of each: length (1) and text of its id, length (2) and octets of the meta key that it wrapped
//
// is the AAD of the body behind it, sealed by XChaCha20-Poly1305 under the meta key that the first
// one wrapped. A second one is named while its data are being sealed anew: it opens nothing. Before
// format 5 the value was a check value of the master key (16) and the import key in an envelope.
#pragma once

#include "crypto/master_key.h"
#include "records/envelope.h"
#include "store/store.h"

namespace keymast::records {

inline constexpr std::string_view kMetaKey = "meta";

// WrappedKey is a meta key as its master key wrapped it.
struct WrappedKey {
  std::string master_key_id;
  Bytes octets;
  crypto::SecretKey<32> key;
};

struct Meta {
  crypto::SecretKey<32> import_key;
  std::vector<RecordKey> record_keys;  // by rising number, never empty
  WrappedKey in_use;
  std::optional<WrappedKey> left;  // while its data are being sealed anew
  bool is_current = true;          // false: written before there were record keys
};

// WrapMetaKey makes a fresh meta key.
tl::expected<WrappedKey, Failure> WrapMetaKey(const crypto::MasterKey& master_key,
                                              crypto::Rng& rng);

// WriteMeta is the value of the meta entry.
Bytes WriteMeta(const Meta& meta, crypto::Rng& rng);

// MasterKeys are those that were given, in any order.
using MasterKeys = std::vector<const crypto::MasterKey*>;

// OpenMeta opens a value: kWrongMasterKey, kNewerFormat, kCorrupt, or what a token said. The
// failure names `data`.
tl::expected<Meta, Failure> OpenMeta(ByteView value, const MasterKeys& master_keys,
                                     const std::string& data);
// ReadMeta reads it from a store; kNotFound when the store is empty.
tl::expected<Meta, Failure> ReadMeta(store::Store& store, const MasterKeys& master_keys,
                                     const std::string& data);

// MasterKeyIdsIn names, without any key, the master key that a value belongs to, and behind it the
// one that is being left. kCorrupt, kNewerFormat.
Result<std::vector<std::string>> MasterKeyIdsIn(ByteView value);

// Damaged is the failure for anything in the store that is not as it was written.
tl::unexpected<Failure> Damaged(const std::string& data, const std::string& what);
tl::unexpected<Failure> ReadFailure(Error error, const std::string& data, const std::string& what);

}  // namespace keymast::records
