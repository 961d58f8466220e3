// SPDX-License-Identifier: Apache-2.0
// A thread for what may hang, as a disk or a reader does, and whom nobody may wait for too long.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/time.h"

namespace keymast::server {

class PatientThread {
 public:
  PatientThread();
  // Waits for the job that is under way.
  ~PatientThread();
  PatientThread(const PatientThread&) = delete;
  PatientThread& operator=(const PatientThread&) = delete;

  // Run has `job` done and waits `patience` for it. False: it is not done yet, and goes on; or one
  // before it still does, and this one was not begun.
  bool Run(std::function<void()> job, Duration patience);

 private:
  void Work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> job_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keymast::server
