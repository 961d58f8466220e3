// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "store/witness_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  using namespace keymast::store;
  // Checksums cannot be guessed: the input is fields, the blocks are made right around them, and
  // the file itself is read as it comes as well.
  const BootDigest boot = DigestOfBoot("boot");
  const ByteView input(data, size);
  if (const auto state = ReadWitness(input, boot)) {
    KEYMAST_CHECK(size == kWitnessSize);
  }
  Bytes file(kWitnessSize);
  for (size_t i = 0; i < 3 && input.size() >= (i + 1) * 6; ++i) {
    const ByteView fields = input.subspan(i * 6, 6);
    WitnessState state;
    state.sequence = fields[0];
    state.record = {fields[1], fields[2], fields[3], fields[4], false, fields[5] % 2 == 1};
    const auto block = EncodeWitness(state, fields[5] % 4 < 2 ? boot : BootDigest{});
    std::copy(block.begin(), block.end(), file.begin() + static_cast<ptrdiff_t>(i * kWitnessBlock));
  }
  const auto state = ReadWitness(file, boot);
  // A clean record is exact, and no other boot's is unless it is clean.
  if (state && state->record.clean) KEYMAST_CHECK(state->record.last_is_exact);
  const auto elsewhere = ReadWitness(file, DigestOfBoot("another boot"));
  KEYMAST_CHECK(state.has_value() == elsewhere.has_value());
  if (elsewhere) KEYMAST_CHECK(elsewhere->record.last_is_exact == elsewhere->record.clean);
  return 0;
}
