// SPDX-License-Identifier: Apache-2.0
// A recording of anything, played to a receiver; before it an octet, the second from which packets
// must not open.
#include "receiver/replay.h"
#include "tests/fuzz/receiver_setup.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  if (size == 0) return 0;
  static const receiver::Setup setup = receiver::FuzzSetup();
  const Instant after = FromUnixNanos(int64_t{data[0]} * 1'000'000'000);
  const auto result = receiver::Replay(ByteView(data, size).subspan(1), setup, after);
  // Each MTK that was taken is one that was held, and media open under those alone.
  if (!result) return 0;
  KEYMAST_CHECK(result->keys == result->mtk_messages);
  KEYMAST_CHECK(result->mtk_messages > 0 || result->opened_before + result->opened_after == 0);
  return 0;
}
