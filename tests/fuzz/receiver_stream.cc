// SPDX-License-Identifier: Apache-2.0
// SRTP and SRTCP from anybody; the first octet chooses the profile.
#include "tests/fuzz/receiver_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  static std::vector<receiver::Core> cores = [] {
    std::vector<receiver::Core> all;
    for (const srtp::ProfileInfo& info : srtp::Profiles()) {
      all.push_back(receiver::FuzzReceiver(info.profile));
    }
    return all;
  }();
  if (size == 0) return 0;
  Bytes packet(data + 1, data + size);
  static_cast<void>(cores[data[0] % cores.size()].OnMedia(packet, Instant{}));
  return 0;
}
