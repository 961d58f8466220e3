// SPDX-License-Identifier: Apache-2.0
#include "tools/peer_signalling.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "sdp/description.h"
#include "shell/files.h"

namespace keymast::tools {
namespace {

constexpr std::string_view kStandard = "-";

// WriteAll of a description, which is shorter than what a pipe takes at once.
bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

Result<bool> WriteToPipe(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && errno == ENXIO) return false;  // nobody reads
  if (fd < 0) return Err(Error::kIo);
  const bool written = WriteAll(fd, text);
  close(fd);
  if (!written) return Err(Error::kIo);
  return true;
}

}  // namespace

DescriptionSource::~DescriptionSource() { Close(); }

void DescriptionSource::Close() {
  if (fd_ > STDIN_FILENO) close(fd_);
  fd_ = -1;
}

bool DescriptionSource::Open() {
  if (fd_ >= 0) return true;
  if (path_ == kStandard) {
    fd_ = STDIN_FILENO;
    fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
    return true;
  }
  fd_ = open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  return fd_ >= 0;
}

bool DescriptionSource::IsPipe() const {
  struct stat found {};
  return fstat(fd_, &found) == 0 && S_ISFIFO(found.st_mode);
}

bool DescriptionSource::IsWhole(bool at_end) const {
  if (text_.empty()) return false;
  if (at_end) return true;
  return path_ == kStandard && (text_.ends_with("\n\n") || text_.ends_with("\n\r\n"));
}

Result<std::optional<std::string>> DescriptionSource::Poll() {
  if (!Open()) {
    if (errno == ENOENT) return std::nullopt;
    return Err(Error::kIo);
  }
  std::array<char, 4096> room;
  while (true) {
    const ssize_t count = read(fd_, room.data(), room.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) return Err(Error::kIo);
    if (count > 0) text_.append(room.data(), static_cast<size_t>(count));
    if (text_.size() > sdp::kMaxText) return Err(Error::kTooLong);
    if (IsWhole(count == 0)) break;
    if (count > 0) continue;
    // A file that is still empty may be replaced. A pipe stays open: what a writer leaves in it is
    // gone when its last reader goes.
    if (count == 0 && path_ != kStandard && !IsPipe()) Close();
    return std::nullopt;
  }
  Close();
  while (text_.ends_with("\n\n") || text_.ends_with("\n\r\n")) {
    text_.resize(text_.size() - (text_.ends_with("\r\n") ? 2 : 1));
  }
  return std::optional(std::move(text_));
}

Result<bool> WriteDescription(const std::string& path, const std::string& text) {
  if (path == kStandard) {
    if (!WriteAll(STDOUT_FILENO, text + "\r\n")) return Err(Error::kIo);
    return true;
  }
  struct stat found {};
  if (stat(path.c_str(), &found) == 0 && S_ISFIFO(found.st_mode)) return WriteToPipe(path, text);
  const Status written = shell::ReplaceStateFile(path, text);
  if (!written) return Err(written.error());
  return true;
}

}  // namespace keymast::tools
