// SPDX-License-Identifier: Apache-2.0
// Whether calls can be served, and whether all is well behind them: keymastd says so.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/core_link.h"

namespace keymast::api {

// ServingState is what keymastd said of itself when it was asked last.
struct ServingState {
  bool serving = false;                                // it answers, and its store is not closed
  std::vector<std::string> not_ready = {"core_away"};  // why not (docs/api.md); empty: it is ready
  friend bool operator==(const ServingState&, const ServingState&) = default;
};

// Readiness asks keymastd for its status each `period`, and at once after Wake; `on_change` hears
// of each change, on a thread of this object.
class Readiness {
 public:
  Readiness(CoreLink& link, Duration period, std::function<void(const ServingState&)> on_change);
  ~Readiness();

  // Wake is called when the link comes up or goes down. It never blocks.
  void Wake();

 private:
  void Run();
  ServingState Ask();

  CoreLink& link_;
  const Duration period_;
  const std::function<void(const ServingState&)> on_change_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keymast::api
