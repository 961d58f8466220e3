// SPDX-License-Identifier: Apache-2.0
// Any octets as what a KEMAC of version 2 has inside, and as TLVs of a CAP payload: what is read is
// written and read again as the same.
#include "base/check.h"
#include "mikey/v2/capabilities.h"
#include "mikey/v2/contents.h"

using namespace keymast;
using namespace keymast::mikey;
using namespace keymast::mikey::v2;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const bool has_sender = (data[0] & 1) != 0;
  const ByteView octets(data + 1, size - 1);
  if (const auto contents = ReadContents(octets, has_sender)) {
    Bytes once(size);
    once.resize(*WriteContents(*contents, once));  // what is skipped is not written
    const auto again = ReadContents(once, has_sender);
    KEYMAST_CHECK(again && again->keys.size() == contents->keys.size());
    Bytes twice(size);
    twice.resize(*WriteContents(*again, twice));
    KEYMAST_CHECK(once == twice);
  }
  if (!IsTlvChain(octets)) return 0;
  if (const auto capabilities = ReadCapabilities(CapPayload{kCapVersion, octets})) {
    Bytes once(size);
    once.resize(*WriteCapabilities(*capabilities, once));
    const auto again = ReadCapabilities(CapPayload{kCapVersion, once});
    KEYMAST_CHECK(again.has_value());
    for (const TlvInfo& info : Tlvs()) {
      KEYMAST_CHECK(Equal((*again).*(info.field), (*capabilities).*(info.field)));
    }
  }
  return 0;
}
