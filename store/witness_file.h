// SPDX-License-Identifier: Apache-2.0
// The octets of the witness file, without the file.
#pragma once

#include <array>

#include "base/bytes.h"
#include "store/witness.h"

namespace keymast::store {

// The file is three blocks of the same form. Blocks 0 and 1 take turns and are synced; block 2 is
// written after each commit and is not.
inline constexpr size_t kWitnessBlock = 4096;
inline constexpr size_t kWitnessNote = 2;
inline constexpr size_t kWitnessSize = 3 * kWitnessBlock;

using BootDigest = std::array<uint8_t, 16>;
// All zero when `boot` is empty: equal to no boot.
BootDigest DigestOfBoot(const std::string& boot);

// WitnessState is a record with what orders blocks and ties them to a boot.
struct WitnessState {
  WitnessRecord record;
  uint64_t sequence = 0;  // of the newest synced block; it is block sequence mod 2
};

// EncodeWitness makes one block; last_is_exact is not written.
std::array<uint8_t, kWitnessBlock> EncodeWitness(const WitnessState& state, const BootDigest& boot);

// ReadWitness finds the newest good block of a whole file: kCorrupt, kNewerFormat.
Result<WitnessState> ReadWitness(ByteView file, const BootDigest& boot);

}  // namespace keymast::store
