// SPDX-License-Identifier: Apache-2.0
// The store's directory before RocksDB sees it: whether it may be used, and by whom it is.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"

namespace keymast::store {

// Place is the directory and the file system it is on.
struct Place {
  std::string path;
  std::shared_ptr<rocksdb::FileSystem> files;

  // Free is the room left, absent when the file system does not tell.
  std::optional<uint64_t> Free() const;
};

// PrepareEmpty makes the directory, or finds it empty: kAlreadyExists, kNotFound (no parent), kIo.
tl::expected<void, Failure> PrepareEmpty(const Place& place);

// FindStore is kNotFound when there is nothing, kCorrupt when only the file that names the current
// state is missing.
tl::expected<void, Failure> FindStore(const Place& place);

// BackupFolder is where the files of a backup are gathered: in the directory, as nothing else is on
// its file system for certain. No store has a file of this name.
std::string BackupFolder(const Place& place);
// RemoveBackupFolder removes it with its files, and what was made of it before it had its name;
// well when there is nothing of either. kIo.
Status RemoveBackupFolder(const Place& place);

// DirectoryLock is held until it is destroyed.
class DirectoryLock {
 public:
  DirectoryLock(std::shared_ptr<rocksdb::FileSystem> files, rocksdb::FileLock* lock)
      : files_(std::move(files)), lock_(lock) {}
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  const std::shared_ptr<rocksdb::FileSystem> files_;
  rocksdb::FileLock* const lock_;
};

// LockDirectory is kInUse when another store, here or in another process, has the directory.
tl::expected<std::unique_ptr<DirectoryLock>, Failure> LockDirectory(const Place& place);

}  // namespace keymast::store
