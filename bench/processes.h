// SPDX-License-Identifier: Apache-2.0
// Programs that a benchmark starts, and the directory that they work in. Neither outlives it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/error.h"

namespace keymast::bench {

// Scratch is an empty directory on the disk that the build is on: a store must be measured where
// a sync costs something. `bench/run` names the parent in KEYMAST_BENCH_DIR and removes it also
// after a crash; without it the directory is made beside the programs.
class Scratch {
 public:
  explicit Scratch(const std::string& name);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  // Write makes a file of mode 0600 and returns its path.
  std::string Write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

// Program is the path of a program of the same build.
std::string Program(const std::string& name);

// FreeUdpPort of 127.0.0.1.
uint16_t FreeUdpPort();

// Child is a running program; the kernel ends it with this process. Its output goes to `log`.
class Child {
 public:
  Child(std::vector<std::string> argv, const std::string& log);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Wait returns the exit status, or 128 and the number of the signal that ended it.
  int Wait();
  bool Running();
  pid_t pid() const { return pid_; }  // while it runs
  // Octets of memory that it has; 0 when it has ended.
  double Resident() const;

 private:
  std::string log_;
  pid_t pid_ = -1;
  int status_ = 0;
};

// Demand ends the benchmark with a message: what it depends on does not work.
void Demand(bool ok, const std::string& what);

// Demanded is what `outcome` holds; without it the benchmark ends.
template <class T>
T Demanded(tl::expected<T, Failure> outcome) {
  if (!outcome) Demand(false, outcome.error().message);
  return std::move(*outcome);
}

}  // namespace keymast::bench
