// SPDX-License-Identifier: Apache-2.0
#include "receiver/make_core.h"

namespace keymast::receiver {

Core MakeCore(const Setup& setup, std::span<const SenderCounter> counters) {
  std::vector<Ssrc> ssrcs;
  for (const SdpStream& stream : setup.channel.streams) ssrcs.push_back(stream.ssrc);
  const KeyScope scope{setup.channel.domain, setup.channel.key_group};
  return Core(Keyring(crypto::DefaultSuite(), setup.profile, scope, setup.credential, counters),
              ssrcs);
}

}  // namespace keymast::receiver
