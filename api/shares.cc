// SPDX-License-Identifier: Apache-2.0
#include "api/shares.h"

#include <algorithm>

namespace keymast::api {
namespace {

// In the order of Role: operator, viewer, auditor, headend.
constexpr ConnectionShares kFull{{64, 256, 128, 256}, 512};
constexpr uint64_t kFullSum = 64 + 256 + 128 + 256 + 512;
// HTTP, the link to keymastd, certificate files, what gRPC and the C library open for themselves.
constexpr uint64_t kBesides = 256;
static_assert(kFullSum + kBesides <= kWantedDescriptors);
// A headend needs one.
constexpr std::array<int, std::size(kRoles)> kStreams = {128, 32, 64, 4};

}  // namespace

int StreamsOf(Role role) { return kStreams[static_cast<size_t>(role)]; }

ConnectionShares SharesOf(uint64_t descriptors) {
  const uint64_t besides = std::min(kBesides, descriptors / 2);
  const uint64_t left = std::min(descriptors - besides, kFullSum);
  ConnectionShares shares = kFull;
  for (size_t& share : shares.sockets) share = share * left / kFullSum;
  shares.tls = shares.tls * left / kFullSum;
  return shares;
}

}  // namespace keymast::api
