// SPDX-License-Identifier: Apache-2.0
// MSK and MTK messages from anybody: never accepted, never a change.
#include "tests/fuzz/receiver_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  static receiver::Core core = receiver::FuzzReceiver(SrtpProfile::kAesCm128HmacSha1_80);
  static const auto before = core.keyring().StateHash();
  std::array<uint8_t, receiver::kMaxAnswer> answer{};
  KEYMAST_CHECK(!core.OnMsk({data, size}, answer));
  KEYMAST_CHECK(!core.OnMtk({data, size}, Instant{}));
  KEYMAST_CHECK(core.keyring().StateHash() == before);
  return 0;
}
