// SPDX-License-Identifier: Apache-2.0
#include "server/backup_job.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/failpoint.h"
#include "server/progress.h"
#include "shell/files.h"

namespace keymast::server {
namespace {

namespace fs = std::filesystem;
using rekey::Progress;

constexpr uint64_t kBuffer = 256 << 10;
constexpr mode_t kPermissions = 07777;
constexpr mode_t kFolderMode = 0755;  // as the store's own is, below the process's umask

Error LastError() { return errno == ENOSPC || errno == EDQUOT ? Error::kNoSpace : Error::kIo; }

bool Rename(const std::string& from, const std::string& to) {
  return std::rename(from.c_str(), to.c_str()) == 0;
}

// ReadSome gives at least one octet: a file here has all that it was found with.
Result<size_t> ReadSome(int fd, MutableBytes out) {
  ssize_t count = -1;
  do count = read(fd, out.data(), out.size());
  while (count < 0 && errno == EINTR);
  if (count <= 0) return Err(Error::kIo);
  return static_cast<size_t>(count);
}

Status WriteAll(int fd, ByteView octets) {
  while (!octets.empty()) {
    const ssize_t count = write(fd, octets.data(), octets.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Err(LastError());
    octets = octets.subspan(static_cast<size_t>(count));
  }
  return {};
}

}  // namespace

uint64_t OctetsIn(const std::string& folder) {
  std::error_code problem;
  uint64_t octets = 0;
  for (fs::recursive_directory_iterator at(folder, problem), end; !problem && at != end;
       at.increment(problem)) {
    std::error_code gone;
    const uint64_t size = at->is_regular_file(gone) ? at->file_size(gone) : 0;
    if (!gone) octets += size;
  }
  return octets;
}

tl::unexpected<Failure> BackupJob::CannotWrite(Error error) const {
  if (error != Error::kNoSpace) error = Error::kIo;
  return Fail(error, folder_ + " cannot be written (" + std::string(ErrorName(error)) + ")");
}

Progress BackupJob::Step(Progress progress) {
  if (next_ == Part::kBegin && HasMade()) return Made(std::move(progress));
  if (progress.cancelling) {
    if (next_ == Part::kBegin) RemoveEarlier();
    RemoveOwn();
    return Cancelled(std::move(progress));
  }
  if (given_up_) return Failed(std::move(progress), given_up_->error, given_up_->message);
  const Done done = DoPart();
  progress.done = done_;
  progress.total = total_;
  if (!done) {
    RemoveOwn();
    return Failed(std::move(progress), done.error().error, done.error().message);
  }
  if (!is_named_) return progress;
  progress.notes = {folder_};
  return Ended(std::move(progress));
}

bool BackupJob::HasMade() const {
  std::error_code problem;
  return fs::exists(folder_, problem);
}

Progress BackupJob::Made(Progress progress) const {
  RemoveEarlier();
  std::error_code problem;
  if (!fs::exists(folder_ + "/CURRENT", problem)) {
    return Failed(std::move(progress), Error::kAlreadyExists, folder_ + " is no backup, and stays");
  }
  progress.done = progress.total = OctetsIn(folder_);
  progress.notes = {folder_};
  return Ended(std::move(progress));
}

void BackupJob::GiveUp(const Failure& why) {
  if (next_ != Part::kBegin) RemoveOwn();
  given_up_ = why;
}

BackupJob::Done BackupJob::DoPart() {
  switch (next_) {
    case Part::kBegin:
      return Begin();
    case Part::kBring:
      return Bring();
    case Part::kCopy:
      return Copy();
    case Part::kFinish:
      return Finish();
  }
  return {};
}

BackupJob::Done BackupJob::Begin() {
  if (auto made = shell::MakeFolder(fs::path(folder_).parent_path().string()); !made) return made;
  RemoveEarlier();
  const Result<std::string> gathered = durable_.BeginBackup();
  if (!gathered) {
    const std::string reason(ErrorName(gathered.error()));
    return Fail(gathered.error(), "the store could not make a copy (" + reason + ")");
  }
  next_ = Part::kBring;
  gathered_ = *gathered;
  std::error_code problem;
  for (fs::directory_iterator at(gathered_, problem), end; !problem && at != end;
       at.increment(problem)) {
    files_.push_back({at->path().filename().string(), at->file_size(problem)});
    if (problem) break;
    total_ += files_.back().octets;
  }
  if (problem) return Fail(Error::kIo, gathered_ + " cannot be read");
  return {};
}

// Bring takes the whole folder over where that is a matter of names.
BackupJob::Done BackupJob::Bring() {
  if (pace_.renames && Rename(gathered_, part())) {
    done_ = total_;
    next_ = Part::kFinish;
    return {};
  }
  if (pace_.renames && errno != EXDEV) return CannotWrite(LastError());
  if (mkdir(part().c_str(), kFolderMode) != 0) return CannotWrite(LastError());
  next_ = Part::kCopy;
  return Copy();
}

BackupJob::Done BackupJob::Copy() {
  if (at_ < files_.size()) {
    if (const Status copied = CopyPiece(files_[at_]); !copied) return CannotWrite(copied.error());
  }
  if (at_ == files_.size()) next_ = Part::kFinish;
  return {};
}

// CopyPiece syncs each piece, so that the last one of a file has no more to wait for than others.
Status BackupJob::CopyPiece(const File& file) {
  if (to_.get() < 0) {
    const std::string from = gathered_ + "/" + file.name;
    struct stat about {};
    from_ = shell::Descriptor(open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (from_.get() < 0 || fstat(from_.get(), &about) != 0) return Err(Error::kIo);
    to_ = shell::Descriptor(open((part() + "/" + file.name).c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                                 about.st_mode & kPermissions));
    if (to_.get() < 0) return Err(LastError());
  }
  const uint64_t until = std::min(file.octets, copied_ + pace_.octets);
  Bytes buffer(std::min(kBuffer, until - copied_));
  while (copied_ < until) {
    const MutableBytes room(buffer.data(), std::min<uint64_t>(buffer.size(), until - copied_));
    const Result<size_t> size = ReadSome(from_.get(), room);
    if (!size) return Err(size.error());
    if (const Status written = WriteAll(to_.get(), room.first(*size)); !written) return written;
    copied_ += *size;
    done_ += *size;
  }
  if (fsync(to_.get()) != 0) return Err(LastError());
  if (copied_ < file.octets) return {};
  from_ = shell::Descriptor();
  to_ = shell::Descriptor();
  copied_ = 0;
  ++at_;
  return {};
}

BackupJob::Done BackupJob::Finish() {
  PassFailpoint("server.backup.copied");
  Status done = shell::SyncFolderOf(part() + "/.");
  if (!done) return CannotWrite(done.error());
  if (!Rename(part(), folder_)) return CannotWrite(LastError());
  is_named_ = true;
  done = shell::SyncFolderOf(folder_);
  if (!done) return CannotWrite(done.error());
  PassFailpoint("server.backup.made");
  // What is left of the store's folder when it cannot be removed is in nobody's way.
  durable_.EndBackup();
  return {};
}

void BackupJob::RemoveEarlier() const {
  std::error_code problem;
  fs::remove_all(part(), problem);
  fs::remove_all(folder_ + kGone, problem);
}

void BackupJob::RemoveOwn() {
  from_ = shell::Descriptor();
  to_ = shell::Descriptor();
  if (is_named_) Rename(folder_, part());
  std::error_code problem;
  fs::remove_all(part(), problem);
  durable_.EndBackup();
}

}  // namespace keymast::server
