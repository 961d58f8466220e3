// SPDX-License-Identifier: Apache-2.0
// A state as the changes that make it, in one canonical order: two states are the same when these
// are.
#pragma once

#include <functional>

#include "rekey/state.h"

namespace keymast::records {

// ForEachPart hands out changes that lead from an empty state to `state`. `next` of counters is
// left out (as `end`): it moves with each message, and no start finds it again.
void ForEachPart(const rekey::State& state, const std::function<void(const rekey::Change&)>& take);

}  // namespace keymast::records
