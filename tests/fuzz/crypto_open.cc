// SPDX-License-Identifier: Apache-2.0
// Any octets as a sealed box and as a sealed record. The first octet chooses: 0 and 1 open the rest
// as they stand; 2 and 3 seal the rest first, then open it.
#include "crypto/primitives.h"

namespace {

using namespace keymast;
using namespace keymast::crypto;

constexpr std::string_view kPurpose = "fuzz";

void OpensAsItStands(const KeyPair& pair, const Sealer& sealer, bool box, ByteView octets) {
  // 128 bits of tag: no input that the fuzzer finds opens.
  if (box) KEYMAST_CHECK(!OpenBox(pair, kPurpose, {}, octets));
  if (!box) KEYMAST_CHECK(!sealer.Open({}, octets));
}

void OpensWhatWasSealed(const KeyPair& pair, const Sealer& sealer, bool box, ByteView plain) {
  SeededRng rng(2);
  if (box) {
    const auto sealed = SealBox(pair.public_key, kPurpose, plain, plain, rng);
    const auto opened = OpenBox(pair, kPurpose, plain, *sealed);
    KEYMAST_CHECK(opened && Equal(*opened, plain));
  } else {
    const auto opened = sealer.Open(plain, sealer.Seal(plain, plain, rng));
    KEYMAST_CHECK(opened && Equal(*opened, plain));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  SeededRng rng(1);
  const KeyPair pair = MakeKeyPair(rng);
  const Sealer sealer(pair.private_key);
  const ByteView rest(data + 1, size - 1);
  const bool box = data[0] % 2 == 0;
  if (data[0] % 4 < 2) {
    OpensAsItStands(pair, sealer, box, rest);
  } else {
    OpensWhatWasSealed(pair, sealer, box, rest);
  }
  return 0;
}
