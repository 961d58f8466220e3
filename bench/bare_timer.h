// SPDX-License-Identifier: Apache-2.0
// What the machine does to a thread that only wakes each millisecond, at the priority of the
// thread that makes it: whoever must be in time is as late as this one.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace keymast::bench {

class BareTimer {
 public:
  BareTimer();
  ~BareTimer();
  BareTimer(const BareTimer&) = delete;
  BareTimer& operator=(const BareTimer&) = delete;

  // Take gives how many seconds late each instant was since the last Take.
  std::vector<double> Take();

 private:
  void Run();

  std::mutex mutex_;
  std::vector<double> late_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace keymast::bench
