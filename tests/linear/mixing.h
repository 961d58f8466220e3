// SPDX-License-Identifier: Apache-2.0
// Numbers mixed into one, and random ones that are the same on every machine (SplitMix64).
#pragma once

#include <cstdint>

namespace keymast::linear {

inline uint64_t Mixed(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

class Mixing {
 public:
  explicit Mixing(uint64_t seed) : value_(Mixed(seed + 0x9e3779b97f4a7c15)) {}
  void Add(uint64_t number) { value_ = Mixed(value_ * 3 + number + 0x9e3779b97f4a7c15); }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_;
};

class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  // Below `limit`, which is above 0.
  uint32_t Below(uint32_t limit) {
    state_ += 0x9e3779b97f4a7c15;
    return static_cast<uint32_t>(Mixed(state_) % limit);
  }
  bool Percent(uint32_t chance) { return Below(100) < chance; }

 private:
  uint64_t state_;
};

}  // namespace keymast::linear
