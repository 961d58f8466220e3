// SPDX-License-Identifier: Apache-2.0
// The file system as RocksDB sees it: after the first write or sync that failed it is frozen, so
// that nothing is written, synced, renamed or deleted by retries of RocksDB's own.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

namespace keymast::store {

// GuardedFiles belongs to one open database. Files that cannot be written any more can still be
// read.
class GuardedFiles final : public rocksdb::FileSystemWrapper {
 public:
  explicit GuardedFiles(const std::shared_ptr<rocksdb::FileSystem>& target)
      : FileSystemWrapper(target) {}
  const char* Name() const override { return "keymast"; }

  // Freeze returns when no write is under way any more and none will begin.
  void Freeze();
  bool frozen() const { return frozen_; }

  // Break freezes for good: what is on the disk is no longer known. A sync failed (a second one
  // would tell nothing: the kernel marks the pages clean), or a log could not be written for
  // another reason than lack of room.
  void Break() {
    broken_ = true;
    Freeze();
  }
  bool broken() const { return broken_; }

  // Sleep ends early when the files are frozen.
  void Sleep(std::chrono::microseconds duration);

  // log_octets counts what the logs have taken, without what was undone.
  uint64_t log_octets() const { return log_octets_; }
  void CountLog(uint64_t octets) { log_octets_ += octets; }
  void UncountLog(uint64_t octets) { log_octets_ -= octets; }

  // Change runs a call that changes files, unless they are frozen; `tried` says whether it ran. The
  // call itself does not freeze them.
  template <class Call>
  rocksdb::IOStatus Change(Call call, bool* tried = nullptr) {
    const std::shared_lock passing(gate_);
    if (tried != nullptr) *tried = !frozen_;
    if (frozen_) return Refusal();
    rocksdb::IOStatus status = call();
    if (!status.ok()) (status.IsNoSpace() ? lacked_room_ : failed_) = true;
    return status;
  }

  // DirectorySync is held over the sync of a directory. Commits and flushes sync the same one, and
  // of two at once that fail the kernel may tell only one.
  std::unique_lock<std::mutex> DirectorySync() { return std::unique_lock(directory_sync_); }

  // lacked_room says whether changes failed for lack of room, and for that only.
  bool lacked_room() const { return lacked_room_ && !failed_; }

  // last_read is the path of the file that was opened last for reading from end to end: a log or a
  // manifest, of which RocksDB's own messages do not always say which.
  std::string last_read() const;

  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& path, size_t size,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  // The store holds the directory's lock for longer than one database lives.
  rocksdb::IOStatus LockFile(const std::string& path, const rocksdb::IOOptions& options,
                             rocksdb::FileLock** lock, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus UnlockFile(rocksdb::FileLock* lock, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  static rocksdb::IOStatus Refusal();

  std::shared_mutex gate_;     // shared by writes under way
  std::mutex directory_sync_;  // outside of gate_
  std::atomic<bool> frozen_ = false;
  std::atomic<bool> broken_ = false;
  std::atomic<bool> lacked_room_ = false;
  std::atomic<bool> failed_ = false;
  std::atomic<uint64_t> log_octets_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable woken_;
  std::string last_read_;
};

}  // namespace keymast::store
