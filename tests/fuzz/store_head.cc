// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "store/rocks_head.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  using namespace keymast::store;
  const ByteView input(data, size);
  // A head that is read is written the same.
  if (const auto head = DecodeHead(AsText(input))) {
    KEYMAST_CHECK(EncodeHead(*head) == AsText(input));
  }
  if (const auto parsed = ParseValue(AsText(input))) {
    KEYMAST_CHECK(StoredValue(parsed->revision, parsed->value) == AsText(input));
  }
  // A prefix's keys lie between it and what is past it.
  const std::string key = StoredKey(AsText(input));
  KEYMAST_CHECK(CallersKey(key) == AsText(input));
  for (const size_t prefix : {size_t{0}, size / 2, size}) {
    const std::string past = PastPrefix(AsText(input.first(prefix)));
    KEYMAST_CHECK(key >= StoredKey(AsText(input.first(prefix))) && key < past);
  }
  return 0;
}
