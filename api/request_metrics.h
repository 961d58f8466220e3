// SPDX-License-Identifier: Apache-2.0
// What keymast-api counts of its own calls.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace keymast::api {

inline constexpr size_t kCodeCount = 17;  // OK to UNAUTHENTICATED
inline constexpr std::array kLatencyBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                              0.05,   0.1,   0.25,   0.5,   1.0,  2.5};

// MethodCounts of one method; every field only rises.
struct MethodCounts {
  std::array<std::atomic<uint64_t>, kCodeCount> calls{};
  std::array<std::atomic<uint64_t>, kLatencyBounds.size() + 1> latency{};
  std::atomic<uint64_t> nanoseconds{0};
};

// Why a call was denied: nobody is known by its names, no role may call the method, or the channel
// is not one of the roles that may.
enum class Denial : uint8_t { kUnknownName, kRole, kChannel };

class RequestMetrics {
 public:
  explicit RequestMetrics(size_t methods) : counts_(methods) {}
  // Ended counts one call. Streams are counted by code and left out of the latency.
  void Ended(size_t method, int code, std::chrono::nanoseconds took, bool streaming);
  const std::vector<MethodCounts>& counts() const { return counts_; }

  std::atomic<uint64_t> watchers_cut{0};          // for reading too slowly
  std::array<std::atomic<uint64_t>, 3> denied{};  // by Denial
  std::atomic<uint64_t> beyond_rate{0};           // refused by limits of principals
  std::atomic<uint64_t> beyond_watches{0};

 private:
  std::vector<MethodCounts> counts_;
};

}  // namespace keymast::api
