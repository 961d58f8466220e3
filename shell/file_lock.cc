// SPDX-License-Identifier: Apache-2.0
#include "shell/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace keymast::shell {
namespace {

Error WhyNotOpened() {
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
      return Error::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return Error::kPermissionDenied;
    default:
      return Error::kIo;
  }
}

}  // namespace

Result<FileLock> FileLock::Take(const std::string& path) {
  const int fd = open((path + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return Err(WhyNotOpened());
  FileLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return Err(errno == EWOULDBLOCK ? Error::kInUse : Error::kIo);
  }
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace keymast::shell
