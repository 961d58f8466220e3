// SPDX-License-Identifier: Apache-2.0
// Whether calls can be served: connected to keymastd, whose store is not closed.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "api/core_link.h"

namespace keymast::api {

// Readiness asks keymastd for its status each `period`, and at once after Wake; `on_change` hears
// of each change, on a thread of this object.
class Readiness {
 public:
  Readiness(CoreLink& link, Duration period, std::function<void(bool ready)> on_change);
  ~Readiness();

  // Wake is called when the link comes up or goes down. It never blocks.
  void Wake();

 private:
  void Run();
  bool Ask();

  CoreLink& link_;
  const Duration period_;
  const std::function<void(bool)> on_change_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keymast::api
