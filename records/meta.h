// SPDX-License-Identifier: Apache-2.0
// The entry that makes a store ours: format, which master key it belongs to, and the key to which
// credentials are sealed on their way in. Written once.
#pragma once

#include "records/envelope.h"
#include "store/store.h"

namespace keymast::records {

inline constexpr std::string_view kMetaKey = "meta";

// WriteMeta is the value of the meta entry: key check in clear (16), then the sealed import key.
Bytes WriteMeta(const Envelope& envelope, const Header& header,
                const crypto::SecretKey<32>& import_key);

// ReadMeta reads it: kNotFound when the store is empty, kWrongMasterKey, kNewerFormat, kCorrupt.
// The failure names `data`.
tl::expected<crypto::SecretKey<32>, Failure> ReadMeta(store::Store& store, const Envelope& envelope,
                                                      const std::string& data);

// Damaged is the failure for anything in the store that is not as it was written.
tl::unexpected<Failure> Damaged(const std::string& data, const std::string& what);
tl::unexpected<Failure> ReadFailure(Error error, const std::string& data, const std::string& what);

}  // namespace keymast::records
