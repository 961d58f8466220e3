// SPDX-License-Identifier: Apache-2.0
// What a KEMAC has inside when it is decrypted: a chain of Key data sub-payloads, in the public-key
// modes behind an ID payload (RFC 3830 §6.2, §6.13).
#pragma once

#include <span>

#include "mikey/key_payloads.h"

namespace keymast::mikey {

// ParseKeyData reads the chain of Key data sub-payloads that must fill `plain`, and returns how
// many there are: none when `plain` is empty, as in an update without keys (RFC 3830 §4.5). The
// views point into `plain`. kMalformed for anything else, also more than fit.
Result<size_t> ParseKeyData(ByteView plain, std::span<KeyDataPayload> out);

// ParseIdAndKeyData reads the ID payload that comes first in the public-key modes (RFC 3830 §3.2),
// then the key data, of which there may be none.
Result<size_t> ParseIdAndKeyData(ByteView plain, IdPayload& id, std::span<KeyDataPayload> out);

// WriteKeyData writes a chain of Key data sub-payloads, nothing for none; `id` comes first where it
// is given. Returns the length; kTooLong when it does not fit.
Result<size_t> WriteKeyData(std::span<const KeyDataPayload> keys, MutableBytes out,
                            const IdPayload* id = nullptr);

}  // namespace keymast::mikey
