// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "receiver/doctor.h"

namespace keymast::receiver {
namespace {

Step Make(StepResult result, std::string finding, std::string advice = "") {
  return {"kernel buffer", result, std::move(finding), std::move(advice)};
}

}  // namespace

Step CheckBuffers(const MulticastSockets& sockets) {
  size_t smallest = kReceiveBuffer;
  for (const MulticastSocket& joined : sockets.media) {
    smallest = std::min(smallest, joined.receive_buffer);
  }
  const std::string finding =
      "asked for " + std::to_string(kReceiveBuffer) + " octets, got " + std::to_string(smallest);
  if (smallest < kReceiveBuffer) {
    return Make(StepResult::kWarning, finding,
                "bursts may be lost: sysctl net.core.rmem_max=" + std::to_string(kReceiveBuffer) +
                    ", or run as root");
  }
  if (sockets.kernel_drops() != 0) {
    return Make(StepResult::kWarning, std::to_string(sockets.kernel_drops()) + " dropped",
                "the machine is too busy, or the buffer too small");
  }
  return Make(StepResult::kGood, finding);
}

}  // namespace keymast::receiver
