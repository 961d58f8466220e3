// SPDX-License-Identifier: Apache-2.0
#include "store/rocks_place.h"

#include <algorithm>

#include "store/rocks_failure.h"

namespace keymast::store {
namespace {

// The lock file stays behind when a creation fails before anything else was made.
constexpr std::string_view kLock = "LOCK";

tl::expected<std::vector<std::string>, Failure> FilesIn(const Place& place) {
  std::vector<std::string> names;
  const rocksdb::IOStatus status = place.files->GetChildren(place.path, {}, &names, nullptr);
  if (status.IsNotFound() || status.IsPathNotFound()) {
    return Fail(Error::kNotFound, "The directory " + place.path + " does not exist.");
  }
  if (!status.ok()) return tl::unexpected(OpenFailure(status, place.path, place.path));
  std::erase_if(names, [](const std::string& name) { return name == "." || name == ".."; });
  return names;
}

bool LooksLikeStore(const std::string& name) {
  return name.starts_with("MANIFEST-") || name.ends_with(".sst") || name.ends_with(".log");
}

// RemoveFlat removes a folder of files; one that is not there is well.
bool RemoveFlat(rocksdb::FileSystem& files, const std::string& path) {
  std::vector<std::string> names;
  if (!files.FileExists(path, {}, nullptr).ok()) return true;
  if (!files.GetChildren(path, {}, &names, nullptr).ok()) return false;
  for (const std::string& name : names) {
    if (name == "." || name == "..") continue;
    if (!files.DeleteFile(path + "/" + name, {}, nullptr).ok()) return false;
  }
  return files.DeleteDir(path, {}, nullptr).ok();
}

}  // namespace

std::optional<uint64_t> Place::Free() const {
  uint64_t free = 0;
  if (!files->GetFreeSpace(path, {}, &free, nullptr).ok()) return std::nullopt;
  return free;
}

tl::expected<void, Failure> PrepareEmpty(const Place& place) {
  const rocksdb::IOStatus made = place.files->CreateDirIfMissing(place.path, {}, nullptr);
  if (made.IsPathNotFound() || made.IsNotFound()) {
    return Fail(Error::kNotFound, "The directory above " + place.path + " does not exist.");
  }
  if (!made.ok()) return tl::unexpected(OpenFailure(made, place.path, place.path));
  auto names = FilesIn(place);
  if (!names) return tl::unexpected(names.error());
  std::erase(*names, kLock);
  if (names->empty()) return {};
  return Fail(Error::kAlreadyExists, "The directory " + place.path +
                                         " is not empty. A store is created in a new or empty "
                                         "directory only; nothing was changed.");
}

tl::expected<void, Failure> FindStore(const Place& place) {
  const auto names = FilesIn(place);
  if (!names) return tl::unexpected(names.error());
  if (std::find(names->begin(), names->end(), "CURRENT") != names->end()) return {};
  if (std::any_of(names->begin(), names->end(), LooksLikeStore)) {
    return tl::unexpected(Damaged(place.path, place.path + "/CURRENT", "it is missing"));
  }
  return Fail(Error::kNotFound, "The directory " + place.path + " holds no store.");
}

std::string BackupFolder(const Place& place) { return place.path + "/backup.part"; }

Status RemoveBackupFolder(const Place& place) {
  const std::string folder = BackupFolder(place);
  // RocksDB gathers under the second name, and gives the first to what is whole.
  const bool is_gone = RemoveFlat(*place.files, folder);
  if (!RemoveFlat(*place.files, folder + ".tmp") || !is_gone) return Err(Error::kIo);
  return {};
}

DirectoryLock::~DirectoryLock() { files_->UnlockFile(lock_, {}, nullptr).PermitUncheckedError(); }

tl::expected<std::unique_ptr<DirectoryLock>, Failure> LockDirectory(const Place& place) {
  rocksdb::FileLock* lock = nullptr;
  const std::string file = place.path + "/" + std::string(kLock);
  const rocksdb::IOStatus status = place.files->LockFile(file, {}, &lock, nullptr);
  if (status.ok()) return std::make_unique<DirectoryLock>(place.files, lock);
  // Only the message tells a lock that is held from a file that cannot be opened.
  if (status.ToString().find("open a file for lock") != std::string::npos) {
    return tl::unexpected(OpenFailure(status, place.path, file));
  }
  return tl::unexpected(
      Failure{Error::kInUse,
              "The store in " + place.path + " is in use by another process. Stop that one first.",
              {},
              file,
              0});
}

}  // namespace keymast::store
