// SPDX-License-Identifier: Apache-2.0
#include "receiver/sdp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keymast;
  const auto channel = receiver::ParseSdp(AsText({data, size}));
  if (!channel) return 0;
  // What was accepted makes a plain description and names its groups.
  std::vector<receiver::PlainTarget> targets;
  for (size_t i = 0; i < channel->streams.size(); ++i) {
    targets.push_back({i, channel->streams[i].group});
  }
  static_cast<void>(receiver::PlainSdp(*channel, targets));
  static_cast<void>(receiver::MediaGroups(*channel));
  return 0;
}
