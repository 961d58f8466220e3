// SPDX-License-Identifier: Apache-2.0
#include "api/shares.h"

#include <algorithm>

namespace keymast::api {
namespace {

// In the order of Role: operator, viewer, auditor, headend.
constexpr ConnectionShares kFull{{64, 256, 128, 256}, kExtraDescriptors, 512};
constexpr uint64_t kFullSum = 64 + 256 + 128 + 256 + 512;
// HTTP, the link to keymastd, certificate files, what gRPC and the C library open for themselves.
constexpr uint64_t kBesides = 256;
static_assert(kFullSum + kBesides <= kWantedDescriptors);
// A headend needs one.
constexpr std::array<int, std::size(kRoles)> kStreams = {128, 32, 64, 4};

}  // namespace

int StreamsOf(Role role) { return kStreams[static_cast<size_t>(role)]; }

ConnectionShares SharesOf(uint64_t descriptors, size_t extra) {
  const uint64_t besides = std::min(kBesides, descriptors / 2);
  const uint64_t sum = kFullSum + extra * kExtraDescriptors;
  const uint64_t left = std::min(descriptors - besides, sum);
  ConnectionShares shares = kFull;
  for (size_t& share : shares.sockets) share = share * left / sum;
  shares.extra = shares.extra * left / sum;
  shares.tls = shares.tls * left / sum;
  return shares;
}

}  // namespace keymast::api
