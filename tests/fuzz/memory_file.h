// SPDX-License-Identifier: Apache-2.0
// A file with the octets of an input, for functions that are given a path.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "base/bytes.h"
#include "base/check.h"

namespace keymast {

class MemoryFile {
 public:
  explicit MemoryFile(ByteView octets) : fd_(memfd_create("input", MFD_CLOEXEC)) {
    KEYMAST_CHECK(fd_ >= 0);
    KEYMAST_CHECK(write(fd_, octets.data(), octets.size()) == static_cast<ssize_t>(octets.size()));
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace keymast
