// SPDX-License-Identifier: Apache-2.0
// Syncs the state beside the packet path, which never waits for a disk.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "headend/state.h"

namespace keymast::headend {

// Saver has one thread and saves one state at a time.
class Saver {
 public:
  explicit Saver(const StateFile& file);
  // Waits for what is being saved.
  ~Saver();
  Saver(const Saver&) = delete;
  Saver& operator=(const Saver&) = delete;

  // Begin hands over a state; the one before must have been taken.
  void Begin(State state);
  // Take gives the outcome of Begin once it is there; `fd` is readable then.
  std::optional<Status> Take();
  int fd() const { return fd_; }

 private:
  void Run();

  const StateFile& file_;
  int fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<State> waiting_;
  std::optional<Status> outcome_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keymast::headend
