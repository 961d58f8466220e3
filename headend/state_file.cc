// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "headend/state.h"
#include "shell/files.h"

namespace keymast::headend {
namespace {

// Lock gives a descriptor that holds the lock; the file stays, so that nobody locks another one.
tl::expected<int, Failure> Lock(const std::string& path) {
  const std::string name = path + ".lock";
  const int fd = open(name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return Fail(Error::kIo, name + ": " + std::strerror(errno));
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  close(fd);
  return Fail(Error::kInUse, path + ": another keymast-headend runs with this state file");
}

Failure Unusable(const std::string& path, Error error) {
  return {error,
          path + ": the state file is damaged or not ours (" + std::string(ErrorName(error)) +
              "). It says which packet indexes were used. Move it away and start again: the "
              "server then gives a fresh MTK, under which no index was used.",
          {},
          {},
          0};
}

}  // namespace

tl::expected<StateFile, Failure> StateFile::Open(const std::string& name) {
  const std::string path = shell::FollowLinks(name);
  const tl::expected<int, Failure> lock = Lock(path);
  if (!lock) return tl::unexpected<Failure>(lock.error());
  StateFile file(path, *lock);
  const Result<std::string> text = shell::ReadFile(path, kMaxStateFile);
  if (!text && text.error() == Error::kNotFound) return file;
  if (!text && text.error() != Error::kTooLong) {
    return Fail(text.error(), path + ": cannot be read: " + std::string(ErrorName(text.error())));
  }
  Result<State> state = text ? StateFromText(*text) : Err(Error::kCorrupt);
  if (!state) return tl::unexpected<Failure>(Unusable(path, state.error()));
  file.loaded_ = std::move(*state);
  return file;
}

StateFile::StateFile(StateFile&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      loaded_(std::move(other.loaded_)) {}

StateFile::~StateFile() {
  if (lock_ >= 0) close(lock_);
}

Status StateFile::Save(const State& state) const {
  if (state.ends.size() + state.claims.size() > kMaxStateRows) return Err(Error::kNoSpace);
  return shell::ReplaceStateFile(path_, ToText(state));
}

}  // namespace keymast::headend
