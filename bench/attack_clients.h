// SPDX-License-Identifier: Apache-2.0
// Who goes on with its work while keymast-api is attacked: a watcher, and an operator.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "keymast/v1/service.grpc.pb.h"

namespace keymast::bench {

// Watcher follows all events, and goes on behind the last one whenever its stream ends.
class Watcher {
 public:
  explicit Watcher(const std::string& socket);
  ~Watcher();

  // Faults counts the events since its last call that this watcher was not told, or not in order,
  // or twice: those that one is told that comes now and begins there.
  size_t Faults();
  size_t events() const { return told_; }
  size_t resumed() const { return streams_ - 1; }

 private:
  void Run();
  void Follow();

  const std::shared_ptr<grpc::Channel> channel_;
  std::mutex mutex_;  // guards the next three
  grpc::ClientContext* context_ = nullptr;
  std::string token_;                // to go on from
  std::vector<std::string> tokens_;  // of events
  size_t checked_ = 0;               // of `tokens_`
  std::atomic<size_t> told_ = 0;
  std::atomic<size_t> streams_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// Operator changes a channel ten times a second.
class Operator {
 public:
  explicit Operator(const std::string& socket);
  ~Operator();

  struct Done {
    size_t changes = 0;
    size_t failed = 0;   // among them
    double slowest = 0;  // seconds
  };
  Done Take();  // since the last Take

 private:
  void Run();

  const std::shared_ptr<grpc::Channel> channel_;
  std::mutex mutex_;
  Done done_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace keymast::bench
