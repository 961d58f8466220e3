// SPDX-License-Identifier: Apache-2.0
// Any octets as a message of the 3GPP form: what Inspect accepts fails its MAC without harm.
#include "mikey/mbms.h"

namespace {

using namespace keymast;
using namespace keymast::mikey;

void FailsItsMac(ByteView octets) {
  const Result<Unverified> seen = Inspect(octets);
  if (!seen) return;
  const std::array<uint8_t, 16> key{0xee};
  const crypto::Suite& suite = crypto::DefaultSuite();
  switch (seen->kind) {
    case MessageKind::kMsk:
      KEYMAST_CHECK(!OpenMsk(suite, {}, *seen, key));
      break;
    case MessageKind::kMtk:
      KEYMAST_CHECK(!OpenMtk(suite, {}, *seen, key, key));
      break;
    case MessageKind::kVerification:
      KEYMAST_CHECK(!CheckVerification(suite, {}, *seen, AsBytes("idi"), key, key));
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FailsItsMac({data, size});
  return 0;
}
