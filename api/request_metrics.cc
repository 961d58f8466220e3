// SPDX-License-Identifier: Apache-2.0
#include "api/request_metrics.h"

#include <algorithm>

namespace keymast::api {

void RequestMetrics::Ended(size_t method, int code, std::chrono::nanoseconds took, bool streaming) {
  MethodCounts& counts = counts_[method];
  const size_t index = code >= 0 && static_cast<size_t>(code) < kCodeCount
                           ? static_cast<size_t>(code)
                           : 2 /* UNKNOWN */;
  ++counts.calls[index];
  if (streaming) return;
  const double seconds = std::chrono::duration<double>(took).count();
  const auto* bound = std::lower_bound(kLatencyBounds.begin(), kLatencyBounds.end(), seconds);
  ++counts.latency[static_cast<size_t>(bound - kLatencyBounds.begin())];
  counts.nanoseconds += static_cast<uint64_t>(took.count());
}

}  // namespace keymast::api
