// SPDX-License-Identifier: Apache-2.0
// A receiver as its command line sets it up, for the channel of receiver_messages.h.
#pragma once

#include "receiver/options.h"
#include "tests/fuzz/receiver_messages.h"

namespace keymast::receiver {

inline Setup FuzzSetup() {
  Setup setup;
  setup.channel.channel = "news";
  setup.channel.domain = kFuzzDomain;
  setup.channel.key_group = kFuzzMsk.group;
  setup.channel.mtk = *ParseEndpoint("239.255.42.1:2269");
  SdpStream stream;
  stream.media = "video";
  stream.group = *ParseEndpoint("239.255.42.1:5004");
  stream.payload_type = 96;
  stream.rtpmap = "H264/90000";
  stream.ssrc = kFuzzSsrc;
  setup.channel.streams = {stream};
  setup.credential = {crypto::Key32(kFuzzUserKey), Octets<255>(AsBytes("one@example.org"))};
  return setup;
}

}  // namespace keymast::receiver
