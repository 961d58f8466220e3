// SPDX-License-Identifier: Apache-2.0
// How many calls each role may have under way; short calls and streams apart. A share is nobody
// else's: the streams of auditors cannot keep an operator's call out.
#pragma once

#include <array>
#include <atomic>
#include <string>
#include <utility>

#include "api/roles.h"
#include "base/error.h"

namespace keymast::api {

enum class CallKind : uint8_t { kUnary, kStream };

class CallQuota {
 public:
  static constexpr size_t kShares = 6;

  // `max_calls` is divided among the shares; each has one call at least.
  explicit CallQuota(size_t max_calls);

  // Place is the right to one call, given back when it is destroyed. The quota outlives it.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept : taken_(std::exchange(other.taken_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(taken_, other.taken_);
      return *this;
    }
    ~Place() {
      if (taken_ != nullptr) --*taken_;
    }

   private:
    friend class CallQuota;
    explicit Place(std::atomic<size_t>* taken) : taken_(taken) {}
    std::atomic<size_t>* taken_ = nullptr;
  };

  // Take gives a place, or kTooManyRequests that names the share.
  tl::expected<Place, Failure> Take(Role role, CallKind kind);

  struct Count {
    std::string share;  // `operator`, `headend_streams`
    size_t calls = 0;   // under way
    uint64_t refused = 0;
  };
  std::array<Count, kShares> Counts() const;

 private:
  struct Share {
    size_t limit = 0;
    std::atomic<size_t> taken{0};
    std::atomic<uint64_t> refused{0};
  };
  std::array<Share, kShares> shares_;
};

}  // namespace keymast::api
