// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "headend/state.h"

namespace keymast::headend {
namespace {

Error FromErrno() { return errno == ENOSPC || errno == EDQUOT ? Error::kNoSpace : Error::kIo; }

// Descriptor closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status WriteSynced(const std::string& path, std::string_view text) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.get() < 0) return Err(FromErrno());
  while (!text.empty()) {
    const ssize_t written = write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Err(FromErrno());
    text.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(file.get()) != 0) return Err(FromErrno());
  return {};
}

Status SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0) return Err(FromErrno());
  return {};
}

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
              "). Without it packet indexes could be used twice under one key. Delete the "
              "headend (keymastctl headends delete), keymastctl rekey-now CHANNEL for each of its "
              "channels, wait until that switch has passed, enrol it again with a new state file.",
          {},
          {},
          0};
}

}  // namespace

tl::expected<StateFile, Failure> StateFile::Open(const std::string& path) {
  const tl::expected<int, Failure> lock = Lock(path);
  if (!lock) return tl::unexpected<Failure>(lock.error());
  StateFile file(path, *lock);
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) {
    if (errno == ENOENT) return file;
    return Fail(Error::kIo, path + ": " + std::strerror(errno));
  }
  if (about.st_size > static_cast<off_t>(kMaxStateFile)) {
    return tl::unexpected<Failure>(Unusable(path, Error::kCorrupt));
  }
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) return Fail(Error::kIo, path + ": cannot be read");
  Result<State> state = StateFromText(text);
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
  const std::string fresh = path_ + ".new";
  if (const Status written = WriteSynced(fresh, ToText(state)); !written) return written;
  if (rename(fresh.c_str(), path_.c_str()) != 0) return Err(FromErrno());
  return SyncFolderOf(path_);
}

}  // namespace keymast::headend
