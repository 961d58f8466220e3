// SPDX-License-Identifier: Apache-2.0
// The Key ID information extension (RFC 4563 §4): which MSK and MTK a message carries.
#pragma once

#include "mikey/mbms.h"
#include "mikey/message.h"

namespace keymast::mikey {

inline constexpr size_t kMaxKeyIds = 15;  // 3 + 4 + 2 octets of ids, each behind type and length

// PutKeyIds writes domain, MSK ID and, where there is one, MTK ID.
void PutKeyIds(Writer& writer, const KeyIds& ids);

// FindKeyIds reads the one such extension that a message must have: kPayloadMissing,
// kPayloadUnexpected when there are two, kMalformed when an id is missing, repeated, unknown or not
// of its length.
Result<KeyIds> FindKeyIds(const Message& message);

}  // namespace keymast::mikey
