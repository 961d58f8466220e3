// SPDX-License-Identifier: Apache-2.0
#include "api/refusal_log.h"

#include <utility>

namespace keymast::api {

std::optional<uint64_t> RefusalLog::Take(const std::string& principal, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto [last, first] = last_.try_emplace(principal, Last{now});
  if (first) return 0;
  if (now - last->second.written < kPeriod) {
    ++last->second.left_out;
    return std::nullopt;
  }
  last->second.written = now;
  return std::exchange(last->second.left_out, 0);
}

}  // namespace keymast::api
