// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <span>

#include "base/failpoint.h"
#include "shell/descriptor.h"
#include "shell/files.h"

namespace keymast::shell {
namespace {

constexpr size_t kPiece = 64 * 1024;

Error FromErrno(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return Error::kNotFound;
    case EACCES:
    case EPERM:
    case ELOOP:
      return Error::kPermissionDenied;
    case EEXIST:
      return Error::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
      return Error::kNoSpace;
    default:
      return Error::kIo;
  }
}

// ReadAll fills `out` up to its end or the file's.
Result<size_t> ReadAll(int fd, MutableBytes out) {
  size_t used = 0;
  while (used < out.size()) {
    const ssize_t count = read(fd, out.data() + used, out.size() - used);
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Err(Error::kIo);
    used += static_cast<size_t>(count);
  }
  return used;
}

bool WriteAll(int fd, ByteView octets) {
  while (!octets.empty()) {
    const ssize_t count = write(fd, octets.data(), octets.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    octets = octets.subspan(static_cast<size_t>(count));
  }
  return fsync(fd) == 0;
}

// ReadClosedFile refuses a file that has any of the bits `closed` in its mode.
Result<size_t> ReadClosedFile(const std::string& path, mode_t closed, MutableBytes out) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (fd.get() < 0) return Err(FromErrno(errno));
  // Asked of the open file, so that nobody exchanges it in between.
  struct stat about {};
  if (fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode)) return Err(Error::kIo);
  if ((about.st_mode & closed) != 0) return Err(Error::kPermissionDenied);
  if (about.st_size > static_cast<off_t>(out.size())) return Err(Error::kTooLong);
  return ReadAll(fd.get(), out);
}

}  // namespace

Status SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Descriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || fsync(fd.get()) != 0) return Err(FromErrno(errno));
  return {};
}

Result<size_t> ReadSecretFile(const std::string& path, MutableBytes out) {
  return ReadClosedFile(path, 077, out);
}

Result<size_t> ReadCredentialFile(const std::string& path, MutableBytes out) {
  return ReadClosedFile(path, 037, out);
}

Status WriteSecretFile(const std::string& path, ByteView octets) {
  const Descriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fd.get() < 0) return Err(FromErrno(errno));
  if (!WriteAll(fd.get(), octets)) {
    const int problem = errno;
    unlink(path.c_str());
    return Err(FromErrno(problem));
  }
  return SyncFolderOf(path);
}

tl::expected<void, Failure> MakeFolder(const std::string& path) {
  const std::filesystem::path folder(path);
  std::error_code problem;
  if (folder.empty() || std::filesystem::exists(folder, problem)) return {};
  if (auto above = MakeFolder(folder.parent_path().string()); !above) return above;
  std::filesystem::create_directory(folder, problem);
  if (!problem) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, problem);
  }
  if (problem) return Fail(Error::kIo, "cannot make " + path + ": " + problem.message());
  return {};
}

std::string FollowLinks(const std::string& path) {
  std::error_code none;
  const std::filesystem::path end = std::filesystem::canonical(path, none);
  return none ? path : end.string();
}

Result<std::string> ReadFile(const std::string& path, size_t limit) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (fd.get() < 0) return Err(FromErrno(errno));
  std::string text;
  while (text.size() <= limit) {
    const size_t had = text.size();
    text.resize(std::min(had + kPiece, limit + 1));
    const auto room = std::span(text).subspan(had);
    const Result<size_t> size =
        ReadAll(fd.get(), MutableBytes(reinterpret_cast<uint8_t*>(room.data()), room.size()));
    if (!size) return Err(size.error());
    text.resize(had + *size);
    if (*size < room.size()) return text;
  }
  return Err(Error::kTooLong);
}

std::string WhyNot(Error error) {
  switch (error) {
    case Error::kNotFound:
      return "there is no such file";
    case Error::kPermissionDenied:
      return "this user may not read it";
    case Error::kTooLong:
      return "it is too long for what it should be";
    default:
      return "it is no plain file, or its disk fails";
  }
}

Status ReplaceStateFile(const std::string& path, std::string_view text) {
  const std::string target = FollowLinks(path);
  const std::string fresh = target + ".new";
  {
    const Descriptor fd(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (fd.get() < 0 || !WriteAll(fd.get(), AsBytes(text))) return Err(FromErrno(errno));
  }
  PassFailpoint("state.file.written");
  if (rename(fresh.c_str(), target.c_str()) != 0) return Err(FromErrno(errno));
  PassFailpoint("state.file.named");
  return SyncFolderOf(target);
}

}  // namespace keymast::shell
