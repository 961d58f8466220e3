// SPDX-License-Identifier: Apache-2.0
// The programs that the demo starts: none of them outlives it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace keymast::demo {

using Words = std::vector<std::string>;

// Process is one running program. Its standard error goes to a log file; its standard output is
// read here line by line, or handed to the next program of a chain. The destructor kills it.
class Process {
 public:
  // Start runs `argv`; standard input is `in`, or nothing when it is negative (`in` stays the
  // caller's). The kernel kills the program should this one die first.
  static tl::expected<Process, Failure> Start(const Words& argv, const std::string& log,
                                              int in = -1);
  Process() = default;
  Process(Process&& other) noexcept { *this = std::move(other); }
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  // fd is where output can be waited for; negative when it was taken or has ended.
  int fd() const { return out_; }
  // TakeOutput hands the descriptor over to the caller.
  int TakeOutput();
  // TakeLines gives the whole lines that came since the last call, without waiting.
  std::vector<std::string> TakeLines();

  bool IsRunning();
  void Signal(int number);
  // Stop sends `number` and waits; after `patience` it kills. The exit status, or -1 for a signal.
  int Stop(int number, Duration patience);

 private:
  void Reap(int status);

  pid_t pid_ = -1;
  int out_ = -1;
  std::string partial_;
  std::optional<int> exit_;
};

// Chain is `feeder | reader`, as a shell would start it.
struct Chain {
  Process feeder;
  Process reader;
};
tl::expected<Chain, Failure> StartChain(const Words& feeder, const Words& reader,
                                        const std::string& log);

// Run runs `argv` to its end and gives its standard output; a failed one is kUnavailable with what
// it wrote to `log`. Killed, and a failure too, after `patience`.
tl::expected<std::string, Failure> Run(const Words& argv, const std::string& log,
                                       Duration patience);

}  // namespace keymast::demo
