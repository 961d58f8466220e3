// SPDX-License-Identifier: Apache-2.0
// Changes as octets: what journal records are made of, and what waits for a page.
#pragma once

#include <functional>

#include "crypto/secret.h"
#include "rekey/state.h"

namespace keymast::records {

// Append writes one change behind `out`: one octet says which, its fields follow
// (records/fields.h). kTooLong when a text or sequence is longer than its length field can say;
// `out` is then as before.
Status Append(const rekey::Change& change, crypto::SecretBytes& out);

// SizeOf is the number of octets that Append would write; kTooLong as Append.
Result<size_t> SizeOf(const rekey::Change& change);

// ForEachChange reads changes until `octets` end and hands each out with its octets, which live as
// long as `octets`. kCorrupt at the first octet that Append would not have written.
using OnChange = std::function<void(const rekey::Change&, ByteView)>;
Status ForEachChange(ByteView octets, const OnChange& on_change);

}  // namespace keymast::records
