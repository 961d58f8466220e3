// SPDX-License-Identifier: Apache-2.0
// The state file: whatever is read is written the same way again.
#include "base/bytes.h"
#include "base/check.h"
#include "crypto/primitives.h"
#include "headend/state.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  const std::string text(AsText(ByteView(data, size)));
  // With its own digest behind it, so that the rows are reached.
  const std::string digested = text + "sha256 " + ToHex(crypto::Sha256(AsBytes(text))) + "\n";
  for (const std::string& candidate : {text, digested}) {
    const Result<headend::State> state = headend::StateFromText(candidate);
    if (state) KEYMAST_CHECK(headend::StateFromText(headend::ToText(*state)) == *state);
  }
  return 0;
}
