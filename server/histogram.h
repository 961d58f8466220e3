// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace keymast::server {

// Histogram counts observations into buckets whose upper bounds are fixed, in seconds.
template <size_t N>
class Histogram {
 public:
  constexpr explicit Histogram(const std::array<double, N>& bounds) : bounds_(bounds) {}

  void Observe(double seconds) {
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), seconds);
    ++counts_[static_cast<size_t>(bucket - bounds_.begin())];
    sum_ += seconds;
  }
  const std::array<double, N>& bounds() const { return bounds_; }
  // One more than bounds: the last is everything above.
  const std::array<uint64_t, N + 1>& counts() const { return counts_; }
  double sum() const { return sum_; }

 private:
  std::array<double, N> bounds_;
  std::array<uint64_t, N + 1> counts_{};
  double sum_ = 0;
};

inline constexpr std::array<double, 12> kLatenessBounds{
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1};
inline constexpr std::array<double, 10> kCommitBounds{0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                      0.025,  0.05,  0.1,    0.5,   1};

}  // namespace keymast::server
