// SPDX-License-Identifier: Apache-2.0
// One process a state file.
#pragma once

#include <string>

#include "base/error.h"

namespace keymast::shell {

// FileLock holds `path`.lock as long as it lives. That file stays behind, so that nobody ever locks
// another one of its name; the state file itself is replaced and cannot carry a lock.
class FileLock {
 public:
  // kInUse: another one holds it, in this process or elsewhere. kPermissionDenied, kNotFound (no
  // such folder), kIo.
  static Result<FileLock> Take(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace keymast::shell
