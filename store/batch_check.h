// SPDX-License-Identifier: Apache-2.0
// What every backend asks of a batch before it looks at anything else.
#pragma once

#include "store/store.h"

namespace keymast::store {

// OctetsOf adds up keys and values of puts, deletes and expectations.
size_t OctetsOf(const Batch& batch);

// CheckBatch is kBatchTooLarge beyond the limits, kInvalidArgument when a key is empty or is named
// twice among puts and deletes.
Status CheckBatch(const Batch& batch, const Limits& limits);

}  // namespace keymast::store
