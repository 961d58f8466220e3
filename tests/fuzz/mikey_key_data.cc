// SPDX-License-Identifier: Apache-2.0
// Any octets as decrypted key data: what parses as one key is written back to the same octets.
#include "base/check.h"
#include "mikey/key_data.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  using namespace keymast::mikey;
  const ByteView plain(data, size);
  std::array<KeyDataPayload, 8> keys;
  const Result<size_t> count = ParseKeyData(plain, keys);
  if (!count) return 0;
  Bytes out(size);
  KEYMAST_CHECK(WriteKeyData(std::span(keys).first(*count), out) == Result<size_t>(size));
  KEYMAST_CHECK(Equal(out, plain));
  return 0;
}
