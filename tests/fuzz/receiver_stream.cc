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
  receiver::Core& core = cores[data[0] % cores.size()];
  const auto opened = core.OnMedia(packet, Instant{});
  if (!opened && opened.error() == Error::kUnknownKey) {
    static_cast<void>(NumberUnder(core.keyring(), packet, receiver::IsRtcp(packet)));
  }
  return 0;
}
