// SPDX-License-Identifier: Apache-2.0
// Zeros that stand where something is filled in later, and in PADDING: once in a program.
#pragma once

#include "mikey/v2/party.h"

namespace keymast::mikey::v2 {

// As many as the longest PADDING has (MIKEYv2 §2, §3.4).
inline constexpr std::array<uint8_t, kMinFirstCap> kZeros{};

inline ByteView Zeros(size_t count) { return ByteView(kZeros).first(count); }

}  // namespace keymast::mikey::v2
