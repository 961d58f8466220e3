// SPDX-License-Identifier: Apache-2.0
#include "store/witness_file.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/cursor.h"
#include "crypto/primitives.h"

namespace keymast::store {
namespace {

constexpr std::string_view kMagic = "keymast witness\n";
constexpr uint32_t kFormat = 1;
constexpr size_t kFields = 16 + 4 + 5 * 8 + 1 + sizeof(BootDigest);
constexpr size_t kChecksum = 32;

struct Block {
  WitnessState state;
  BootDigest boot{};
};

// ReadBlock is kCorrupt when the checksum is wrong; a good one of another format is kNewerFormat.
Result<Block> ReadBlock(ByteView octets) {
  const auto sum = crypto::Sha256(octets.first(kFields));
  if (!Equal(sum, octets.subspan(kFields, kChecksum))) return Err(Error::kCorrupt);
  Reader reader(octets.first(kFields));
  const ByteView magic = reader.Take(kMagic.size());
  const uint32_t format = reader.U32();
  if (AsText(magic) != kMagic) return Err(Error::kCorrupt);
  if (format != kFormat) return Err(Error::kNewerFormat);
  Block block;
  block.state.sequence = reader.U64();
  block.state.record.incarnation = reader.U64();
  block.state.record.reserved = reader.U64();
  block.state.record.confirmed = reader.U64();
  block.state.record.last = reader.U64();
  block.state.record.clean = reader.U8() != 0;
  const ByteView boot = reader.Take(block.boot.size());
  KEYMAST_CHECK(reader.Finish().has_value());
  std::copy(boot.begin(), boot.end(), block.boot.begin());
  return block;
}

}  // namespace

BootDigest DigestOfBoot(const std::string& boot) {
  BootDigest digest{};
  if (boot.empty()) return digest;
  const auto sum = crypto::Sha256(AsBytes(boot));
  std::copy_n(sum.begin(), digest.size(), digest.begin());
  return digest;
}

std::array<uint8_t, kWitnessBlock> EncodeWitness(const WitnessState& state,
                                                 const BootDigest& boot) {
  std::array<uint8_t, kWitnessBlock> block{};
  Writer writer(block);
  writer.Put(AsBytes(kMagic));
  writer.U32(kFormat);
  writer.U64(state.sequence);
  writer.U64(state.record.incarnation);
  writer.U64(state.record.reserved);
  writer.U64(state.record.confirmed);
  writer.U64(state.record.last);
  writer.Put(std::array<uint8_t, 1>{state.record.clean});
  writer.Put(boot);
  KEYMAST_CHECK(writer.size() == kFields);
  writer.Put(crypto::Sha256(ByteView(block).first(kFields)));
  KEYMAST_CHECK(writer.ok());
  return block;
}

Result<WitnessState> ReadWitness(ByteView file, const BootDigest& boot) {
  if (file.size() != kWitnessSize) return Err(Error::kCorrupt);
  std::optional<WitnessState> newest;
  for (size_t i = 0; i < kWitnessNote; ++i) {
    const Result<Block> slot = ReadBlock(file.subspan(i * kWitnessBlock, kWitnessBlock));
    if (!slot && slot.error() == Error::kNewerFormat) return Err(Error::kNewerFormat);
    if (!slot || slot->state.sequence % 2 != i) continue;
    if (!newest || slot->state.sequence > newest->sequence) newest = slot->state;
  }
  if (!newest) return Err(Error::kCorrupt);

  const Result<Block> note = ReadBlock(file.subspan(kWitnessNote * kWitnessBlock));
  // A note of the slot before: the writer was killed between the two writes.
  const bool current = note && note->state.sequence + 1 >= newest->sequence;
  // The note repeats its slot, and stands in for one that was damaged since.
  if (note && note->state.sequence >= newest->sequence) newest = note->state;
  newest->record.last_is_exact =
      newest->record.clean || (current && boot != BootDigest{} && note->boot == boot);
  return *newest;
}

}  // namespace keymast::store
