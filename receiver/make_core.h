// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "receiver/core.h"
#include "receiver/options.h"

namespace keymast::receiver {

// MakeCore builds the core of a setup with the counters of earlier runs.
Core MakeCore(const Setup& setup, std::span<const SenderCounter> counters);

}  // namespace keymast::receiver
