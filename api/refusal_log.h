// SPDX-License-Identifier: Apache-2.0
// Which refusals are written to the log: a caller can make any number of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace keymast::api {

class RefusalLog {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kPeriod{1};

  // Take says whether a refusal of this principal at `now` is to be written: one in each period, so
  // that one caller does not hide another. It gives how many were not since the one before. As many
  // principals are kept as the configuration has.
  std::optional<uint64_t> Take(const std::string& principal, Instant now);

 private:
  struct Last {
    Instant written;
    uint64_t left_out = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Last> last_;
};

}  // namespace keymast::api
