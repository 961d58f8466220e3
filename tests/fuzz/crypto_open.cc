// SPDX-License-Identifier: Apache-2.0
// Any octets as a sealed box, a sealed record and a wrapped key. The first octet chooses: 0 and 1
// open the rest as they stand; 2 and 3 seal the rest first, then open it; from 128 on it is a key,
// even ones open and odd ones wrap it first.
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

void UnwrapsAsItStands(ByteView key, ByteView octets) {
  Bytes out(octets.size());
  const Result<size_t> size = DefaultSuite().key_unwrap(key, octets, out);
  KEYMAST_CHECK(size ? *size <= out.size() - 8 : out == Bytes(octets.size()));
}

void UnwrapsWhatWasWrapped(ByteView key, ByteView octets) {
  if (octets.empty() || octets.size() > kMaxKeyWrap) return;
  Bytes wrapped(KeyWrapSize(octets.size()));
  DefaultSuite().key_wrap(key, octets, wrapped);
  Bytes out(wrapped.size());
  const Result<size_t> size = DefaultSuite().key_unwrap(key, wrapped, out);
  KEYMAST_CHECK(size && Equal(ByteView(out).first(*size), octets));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  SeededRng rng(1);
  const KeyPair pair = MakeKeyPair(rng);
  const Sealer sealer(pair.private_key);
  const ByteView rest(data + 1, size - 1);
  const bool box = data[0] % 2 == 0;
  if (data[0] >= 0x80) {
    (box ? UnwrapsAsItStands : UnwrapsWhatWasWrapped)(pair.private_key.view(), rest);
  } else if (data[0] % 4 < 2) {
    OpensAsItStands(pair, sealer, box, rest);
  } else {
    OpensWhatWasSealed(pair, sealer, box, rest);
  }
  return 0;
}
