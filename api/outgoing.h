// SPDX-License-Identifier: Apache-2.0
// Outgoing orders the writes of a server stream: one at a time, the rest waits, the end comes last.
// What waits is counted in the share of the stream.
#pragma once

#include <grpcpp/support/status.h>

#include <deque>
#include <mutex>
#include <optional>

#include "api/gate.h"

namespace keymast::api {

// Reactor has StartWrite(const Message*) and Finish(Status). All functions may be called from any
// thread; the first End wins, and nothing is written after it but what already waits.
template <class Reactor, class Message>
class Outgoing {
 public:
  struct Limits {
    size_t messages;
    size_t octets;  // encoded
  };
  Outgoing(Reactor& reactor, Limits limits, Accounted& account)
      : reactor_(reactor), limits_(limits), account_(account) {}

  // Push is false, and takes nothing, when the client is too far behind or the stream has ended.
  bool Push(Message message) {
    const std::lock_guard lock(mutex_);
    const size_t size = message.ByteSizeLong();
    if (end_ || waiting_.size() >= limits_.messages || octets_ + size > limits_.octets) {
      return false;
    }
    octets_ += size;
    waiting_.push_back({std::move(message), size});
    account_.Hold(Cost(waiting_.back()));
    if (waiting_.size() == 1) reactor_.StartWrite(&waiting_.front().message);
    return true;
  }

  // Written is gRPC's OnWriteDone; after a failed write the rest is of no use.
  void Written(bool ok) {
    const std::lock_guard lock(mutex_);
    Drop(0, ok ? 1 : waiting_.size());
    if (!waiting_.empty()) return reactor_.StartWrite(&waiting_.front().message);
    if (end_) reactor_.Finish(*end_);
  }

  // Cut is End for a client that is too far behind: what waits is dropped, but for the message that
  // is being written, the last that the client will see. The status is made from that one, if any.
  template <class StatusOf>
  std::optional<grpc::Status> Cut(StatusOf status_of) {
    const std::lock_guard lock(mutex_);
    if (end_) return std::nullopt;
    if (waiting_.size() > 1) Drop(1, waiting_.size());
    end_ = status_of(waiting_.empty() ? nullptr : &waiting_.front().message);
    if (waiting_.empty()) reactor_.Finish(*end_);
    return end_;
  }

  // End finishes the stream once what waits is written; false when it had ended before.
  bool End(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    if (end_) return false;
    end_ = status;
    if (waiting_.empty()) reactor_.Finish(*end_);
    return true;
  }

 private:
  struct Waiting {
    Message message;
    size_t octets;  // encoded
  };
  // In memory, where a small message is several times its encoding.
  static size_t Cost(const Waiting& waiting) {
    return waiting.message.SpaceUsedLong() + sizeof(Waiting) - sizeof(Message);
  }
  void Drop(size_t begin, size_t end) {
    size_t cost = 0;
    for (size_t i = begin; i < end; ++i) {
      octets_ -= waiting_[i].octets;
      cost += Cost(waiting_[i]);
    }
    const auto first = waiting_.begin();
    waiting_.erase(first + static_cast<ptrdiff_t>(begin), first + static_cast<ptrdiff_t>(end));
    account_.Release(cost);
  }

  Reactor& reactor_;
  const Limits limits_;
  Accounted& account_;
  std::mutex mutex_;
  size_t octets_ = 0;
  std::deque<Waiting> waiting_;  // the front is being written
  std::optional<grpc::Status> end_;
};

}  // namespace keymast::api
