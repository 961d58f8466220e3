// SPDX-License-Identifier: Apache-2.0
// Histories of a real server: eight clients at once, and now and then a kill -9 among them.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client.h"
#include "history.h"

namespace keymast::linear {

// Victim is the keymastd that may be killed. Whoever starts it again says which process it is now.
class Victim {
 public:
  void Is(pid_t pid);
  // Kill waits until there is one; false when none comes for a minute, or it cannot be killed.
  bool Kill();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  pid_t pid_ = 0;
};

class Run {
 public:
  // `run` tells this run's request ids from those of others.
  Run(const std::string& socket, uint64_t run, Victim& victim);

  // Record has the clients do the mix of `seed` and gives what they were answered. With `is_rough`
  // the server is killed in the middle. Afterwards the resources are deleted again. Nothing, when
  // the server stays away.
  std::optional<History> Record(uint32_t number, uint64_t seed, bool is_rough);

 private:
  struct Scene;
  class Actor;

  const uint64_t run_;
  Victim& victim_;
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace keymast::linear
