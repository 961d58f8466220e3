// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"
#include "net/replay.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  const ByteView file(data, size);
  net::RecordReader reader(file);
  for (;;) {
    const auto next = reader.Next();
    if (!next || !*next) break;
    // What comes out lies inside the file.
    const ByteView octets = (*next)->octets;
    KEYMAST_CHECK(octets.empty() || (octets.data() >= file.data() &&
                                     octets.data() + octets.size() <= file.data() + file.size()));
  }
  // What is kept of a file that is appended to ends with a whole block, and is kept again.
  if (const auto whole = net::RecordReader::WholeBlocks(file)) {
    KEYMAST_CHECK(*whole <= size);
    KEYMAST_CHECK(net::RecordReader::WholeBlocks(file.first(*whole)) == *whole);
  }
  return 0;
}
