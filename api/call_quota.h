// SPDX-License-Identifier: Apache-2.0
// How many calls each role may have under way, and how much it may leave unread; short calls and
// streams apart. A share is nobody else's: the streams of auditors cannot keep an operator's call
// out.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "api/roles.h"
#include "base/error.h"

namespace keymast::api {

enum class CallKind : uint8_t { kUnary, kStream };

// Holder is a stream that keeps what its client has yet to read.
class Holder {
 public:
  virtual ~Holder() = default;
  // CutOff ends the stream and lets go of what it keeps. Called on any thread.
  virtual void CutOff() = 0;
};

class CallQuota {
  // Holding is what one stream keeps; guarded by the mutex of its share.
  struct Holding {
    std::weak_ptr<Holder> holder;
    size_t octets = 0;
    bool cut = false;
  };
  struct Share {
    size_t limit = 0;
    std::atomic<size_t> under_way{0};
    std::atomic<size_t> unread{0};
    std::atomic<uint64_t> refused{0};
    std::mutex mutex;
    std::set<Holding*> holdings;
  };

 public:
  static constexpr size_t kShares = 6;
  // What a share may have answered and its clients not yet taken: octets of answers, and for each
  // what gRPC keeps beside it; octets of memory that streams hold.
  static constexpr size_t kMaxUnread = 32 << 20;
  static constexpr size_t kCallCost = 4096;

  // `max_calls` is divided among the shares; each has one call at least.
  explicit CallQuota(size_t max_calls);

  // Place is the right to one call, given back when it is destroyed. The quota outlives it.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept
        : share_(std::exchange(other.share_, nullptr)),
          unread_(other.unread_),
          holding_(std::move(other.holding_)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(share_, other.share_);
      std::swap(unread_, other.unread_);
      std::swap(holding_, other.holding_);
      return *this;
    }
    ~Place() { GiveBack(); }

    // Answered turns the call into `octets` that wait for its client. A client may have its answer
    // before gRPC says so: were the call still counted, the client's next one could be one too
    // many.
    void Answered(size_t octets);

    // HeldBy makes this the place of a stream, which tells with Hold and Release how many octets of
    // memory it keeps for its client.
    void HeldBy(std::weak_ptr<Holder> holder);
    void Hold(size_t octets);
    void Release(size_t octets);
    // Slowest gives the stream that holds most when the share holds more than kMaxUnread: it is to
    // be cut off, and is given once. None otherwise.
    std::shared_ptr<Holder> Slowest();

   private:
    friend class CallQuota;
    explicit Place(Share& share) : share_(&share) {}
    void GiveBack();

    Share* share_ = nullptr;
    size_t unread_ = 0;                 // 0: under way
    std::unique_ptr<Holding> holding_;  // of a stream
  };

  // Take gives a place, or kTooManyRequests that names the share.
  tl::expected<Place, Failure> Take(Role role, CallKind kind);

  struct Count {
    std::string share;  // `operator`, `headend_streams`
    size_t calls = 0;   // under way
    size_t unread = 0;  // octets
    uint64_t refused = 0;
  };
  std::array<Count, kShares> Counts() const;

 private:
  std::array<Share, kShares> shares_;
};

}  // namespace keymast::api
