// SPDX-License-Identifier: Apache-2.0
#include "server/sink.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "shell/descriptor.h"
#include "shell/files.h"

namespace keymast::server {
namespace {

constexpr const char* kNoReader = "is a FIFO that nobody reads";

tl::unexpected<Failure> Blocked(const std::string& path, const std::string& what) {
  return Fail(Error::kAuditBlocked, "audit_sink " + path + ": " + what);
}

std::string Told(int number) { return std::error_code(number, std::generic_category()).message(); }

bool IsAt(const std::string& path, const struct stat& open) {
  struct stat named {};
  return stat(path.c_str(), &named) == 0 && named.st_dev == open.st_dev &&
         named.st_ino == open.st_ino;
}

class FileSink final : public Sink {
 public:
  FileSink(std::string path, shell::Descriptor file, uint64_t size)
      : path_(std::move(path)), file_(std::move(file)), size_(size) {}

  Done Append(std::string_view lines) override {
    if (int problem = Write(lines); problem != 0) {
      static_cast<void>(Cut(size_));  // else it is not in place: it is longer than it was
      return Blocked(path_, "cannot be written (" + Told(problem) + ")");
    }
    size_ += lines.size();
    return {};
  }

  Done HasRoom(size_t octets) override {
    const auto at = static_cast<off_t>(size_);
    const auto count = static_cast<off_t>(std::max<size_t>(octets, 1));
    if (fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, at, count) == 0) return {};
    if (errno == EOPNOTSUPP || errno == EINTR) return {};  // the next record tells
    return Blocked(path_, "has no room (" + Told(errno) + ")");
  }

  bool IsInPlace() const override {
    struct stat open {};
    return !is_broken_ && fstat(file_.get(), &open) == 0 &&
           static_cast<uint64_t>(open.st_size) == size_ && IsAt(path_, open);
  }

  bool Keeps() const override { return true; }
  uint64_t size() const override { return size_; }

  tl::expected<std::string, Failure> Read(uint64_t at, size_t count) const override {
    std::string text(count, '\0');
    size_t used = 0;
    while (used < count) {
      const ssize_t got =
          pread(file_.get(), text.data() + used, count - used, static_cast<off_t>(at + used));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return Blocked(path_, "cannot be read (" + Told(got < 0 ? errno : EIO) + ")");
      used += static_cast<size_t>(got);
    }
    return text;
  }

  Done Cut(uint64_t size) override {
    if (ftruncate(file_.get(), static_cast<off_t>(size)) != 0) {
      return Blocked(path_,
                     "ends in a part of a record that cannot be taken away (" + Told(errno) + ")");
    }
    size_ = size;
    return {};
  }

 private:
  // The system's number of what went wrong; 0: nothing.
  int Write(std::string_view lines) {
    while (!lines.empty()) {
      const ssize_t count = write(file_.get(), lines.data(), lines.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return count < 0 ? errno : EIO;
      lines.remove_prefix(static_cast<size_t>(count));
    }
    if (fdatasync(file_.get()) == 0) return 0;
    // What was not synced counts as written to the system from now on: never asked again.
    is_broken_ = true;
    return errno;
  }

  const std::string path_;
  const shell::Descriptor file_;
  uint64_t size_;
  bool is_broken_ = false;
};

class PipeSink final : public Sink {
 public:
  PipeSink(std::string path, shell::Descriptor pipe, Duration patience)
      : path_(std::move(path)), pipe_(std::move(pipe)), patience_(patience) {}

  // A line of at most PIPE_BUF octets is taken as a whole or not at all.
  Done Append(std::string_view lines) override {
    const auto end = std::chrono::steady_clock::now() + patience_;
    if (auto given = GiveRest(end); !given) return given;
    while (!lines.empty()) {
      const size_t line = lines.find('\n') + 1;
      rest_ = lines.substr(0, line);
      if (auto given = GiveRest(end); !given) {
        if (rest_.size() == line) rest_.clear();
        return given;
      }
      lines.remove_prefix(line);
    }
    return {};
  }

  Done HasRoom(size_t) override { return GiveRest(std::chrono::steady_clock::now(), true); }

  bool IsInPlace() const override {
    struct stat open {};
    return fstat(pipe_.get(), &open) == 0 && IsAt(path_, open);
  }

  bool Keeps() const override { return false; }
  uint64_t size() const override { return 0; }
  tl::expected<std::string, Failure> Read(uint64_t, size_t) const override { return std::string(); }
  Done Cut(uint64_t) override { return {}; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  // WaitForRoom waits until there is room for a line of PIPE_BUF octets.
  Done WaitForRoom(Time end) const {
    using std::chrono::milliseconds;
    for (;;) {
      const auto left = end - std::chrono::steady_clock::now();
      const auto wait = std::chrono::ceil<milliseconds>(std::max(left, decltype(left)::zero()));
      pollfd one{pipe_.get(), POLLOUT, 0};
      const int ready = poll(&one, 1, static_cast<int>(wait.count()));
      if (ready < 0 && errno == EINTR) continue;
      if ((one.revents & POLLERR) != 0) return Blocked(path_, kNoReader);
      if ((one.revents & POLLOUT) != 0) return {};
      return Blocked(path_, "is full: its reader does not read");
    }
  }

  // What is in the pipe stays there for the next reader, as long as this end is open.
  Done GiveRest(Time end, bool even_if_none = false) {
    while (even_if_none || !rest_.empty()) {
      if (auto room = WaitForRoom(end); !room) return room;
      even_if_none = false;
      const ssize_t count = write(pipe_.get(), rest_.data(), rest_.size());
      if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
        // A line has less room than it needs: looked at again until the time is over.
        if (std::chrono::steady_clock::now() >= end) {
          return Blocked(path_, "is full: its reader does not read");
        }
        continue;
      }
      if (count < 0) return Blocked(path_, errno == EPIPE ? kNoReader : Told(errno));
      rest_.erase(0, static_cast<size_t>(count));
    }
    return {};
  }

  const std::string path_;
  const shell::Descriptor pipe_;
  const Duration patience_;
  std::string rest_;  // of a line of which the reader has the beginning
};

tl::expected<std::unique_ptr<Sink>, Failure> OpenPipe(const std::string& path, Duration patience) {
  shell::Descriptor pipe(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (pipe.get() < 0) {
    return Blocked(path, errno == ENXIO ? kNoReader : "cannot be opened (" + Told(errno) + ")");
  }
  struct stat about {};
  if (fstat(pipe.get(), &about) != 0 || !S_ISFIFO(about.st_mode)) {
    return Blocked(path, "is neither a file nor a FIFO");
  }
  return std::make_unique<PipeSink>(path, std::move(pipe), patience);
}

tl::expected<std::unique_ptr<Sink>, Failure> OpenFile(const std::string& path) {
  shell::Descriptor file(
      open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
  if (file.get() < 0) return Blocked(path, "cannot be opened (" + Told(errno) + ")");
  struct stat about {};
  if (fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) {
    return Blocked(path, "is neither a file nor a FIFO");
  }
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) return Blocked(path, "in use by another program");
  const bool may_be_new = about.st_size == 0;
  if (may_be_new && !shell::SyncFolderOf(path)) return Blocked(path, "its folder cannot be synced");
  return std::make_unique<FileSink>(path, std::move(file), static_cast<uint64_t>(about.st_size));
}

}  // namespace

tl::expected<std::unique_ptr<Sink>, Failure> Sink::Open(const std::string& path,
                                                        Duration patience) {
  struct stat about {};
  const bool is_pipe = stat(path.c_str(), &about) == 0 && S_ISFIFO(about.st_mode);
  return is_pipe ? OpenPipe(path, patience) : OpenFile(path);
}

}  // namespace keymast::server
