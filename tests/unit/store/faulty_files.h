// SPDX-License-Identifier: Apache-2.0
// A file system whose n-th write, sync or read fails, and whose free room is told by the test.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

namespace keymast::store {

enum class Operation : uint8_t { kWrite, kSync, kRead };

// FaultPlan says which operation fails, and how. A write that fails leaves half of its octets.
struct FaultPlan {
  Operation operation = Operation::kWrite;
  size_t n = 0;               // counted from 1, over all files
  bool no_space = false;      // otherwise EIO
  bool goes_on = false;       // every later one fails too, until Heal
  std::string only_suffix{};  // counts and fails only files with this ending
  std::thread::id only_of{};  // counts and fails only this thread, when there is one
};

// FaultyFiles wraps the files of an Env; use env() as the store's.
class FaultyFiles final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFiles(const std::shared_ptr<rocksdb::FileSystem>& target)
      : FileSystemWrapper(target) {}
  const char* Name() const override { return "faulty"; }

  void Plan(const FaultPlan& plan) {
    const std::lock_guard lock(mutex_);
    plan_ = plan;
    count_ = 0;
  }
  void Heal() {
    const std::lock_guard lock(mutex_);
    plan_.reset();
  }
  // Hold makes whoever creates a file with this ending wait for LetGo.
  void Hold(const std::string& suffix) {
    const std::lock_guard lock(mutex_);
    held_ = suffix;
  }
  void LetGo() {
    const std::lock_guard lock(mutex_);
    held_.reset();
    let_go_.notify_all();
  }
  void Wait(const std::string& path) {
    std::unique_lock lock(mutex_);
    let_go_.wait(lock, [&] { return !held_ || !path.ends_with(*held_); });
  }
  void SetFree(uint64_t octets) {
    const std::lock_guard lock(mutex_);
    free_ = octets;
  }
  bool fired() const {
    const std::lock_guard lock(mutex_);
    return fired_;
  }
  // WaitForFlush returns when no flush is under way any more, which makes all logs but the newest
  // superfluous, or when the planned fault has fired.
  void WaitForFlush() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return logs_.size() <= 1 || fired_; });
  }
  // synced_again says whether a file was synced after its sync had failed.
  bool synced_again() const {
    const std::lock_guard lock(mutex_);
    return synced_again_;
  }

  // Meet counts one operation and gives the fault that it is to end with.
  rocksdb::IOStatus Meet(Operation operation, const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (operation == Operation::kSync && unsynced_.contains(path)) synced_again_ = true;
    if (!plan_ || plan_->operation != operation || !path.ends_with(plan_->only_suffix)) {
      return rocksdb::IOStatus::OK();
    }
    if (plan_->only_of != std::thread::id() && plan_->only_of != std::this_thread::get_id()) {
      return rocksdb::IOStatus::OK();
    }
    ++count_;
    if (plan_->goes_on ? count_ < plan_->n : count_ != plan_->n) return rocksdb::IOStatus::OK();
    fired_ = true;
    changed_.notify_all();
    if (operation == Operation::kSync) unsynced_.insert(path);
    if (plan_->no_space) return rocksdb::IOStatus::NoSpace(path, "planned");
    return rocksdb::IOStatus::IOError(path, "planned");
  }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus fault = Meet(Operation::kWrite, to);
    return fault.ok() ? target_->RenameFile(from, to, options, debug) : fault;
  }
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = target_->DeleteFile(path, options, debug);
    const std::lock_guard lock(mutex_);
    logs_.erase(path);
    changed_.notify_all();
    return status;
  }
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                 uint64_t* free, rocksdb::IODebugContext* debug) override {
    const std::lock_guard lock(mutex_);
    if (!free_) return target_->GetFreeSpace(path, options, free, debug);
    *free = *free_;
    return rocksdb::IOStatus::OK();
  }

 private:
  mutable std::mutex mutex_;
  std::optional<FaultPlan> plan_;
  std::optional<uint64_t> free_;
  std::optional<std::string> held_;
  std::condition_variable let_go_;
  std::condition_variable changed_;
  std::set<std::string> logs_;  // that are there
  size_t count_ = 0;
  bool fired_ = false;
  bool synced_again_ = false;
  std::set<std::string> unsynced_;
};

class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(FaultyFiles& files, std::string path, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), files_(files), path_(std::move(path)) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus fault = files_.Meet(Operation::kWrite, path_);
    if (fault.ok()) return target()->Append(data, options, debug);
    target()
        ->Append(rocksdb::Slice(data.data(), data.size() / 2), options, debug)
        .PermitUncheckedError();
    return fault;
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&,
                           rocksdb::IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus fault = files_.Meet(Operation::kSync, path_);
    return fault.ok() ? target()->Sync(options, debug) : fault;
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus fault = files_.Meet(Operation::kSync, path_);
    return fault.ok() ? target()->Fsync(options, debug) : fault;
  }

 private:
  FaultyFiles& files_;
  const std::string path_;
};

// FaultyTable is a table as it is read.
class FaultyTable final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  FaultyTable(FaultyFiles& files, std::string path,
              std::unique_ptr<rocksdb::FSRandomAccessFile> file)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), files_(files), path_(std::move(path)) {}

  rocksdb::IOStatus Read(uint64_t offset, size_t size, const rocksdb::IOOptions& options,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* debug) const override {
    rocksdb::IOStatus fault = files_.Meet(Operation::kRead, path_);
    if (!fault.ok()) return fault;
    return FSRandomAccessFileOwnerWrapper::Read(offset, size, options, result, scratch, debug);
  }

 private:
  FaultyFiles& files_;
  const std::string path_;
};

class FaultyDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultyDirectory(FaultyFiles& files, std::string path,
                  std::unique_ptr<rocksdb::FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), files_(files), path_(std::move(path)) {}

  rocksdb::IOStatus FsyncWithDirOptions(const rocksdb::IOOptions& options,
                                        rocksdb::IODebugContext* debug,
                                        const rocksdb::DirFsyncOptions& how) override {
    rocksdb::IOStatus fault = files_.Meet(Operation::kSync, path_);
    return fault.ok() ? FSDirectoryWrapper::FsyncWithDirOptions(options, debug, how) : fault;
  }

 private:
  FaultyFiles& files_;
  const std::string path_;
};

inline rocksdb::IOStatus FaultyFiles::NewWritableFile(
    const std::string& path, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* file, rocksdb::IODebugContext* debug) {
  Wait(path);
  if (rocksdb::IOStatus fault = Meet(Operation::kWrite, path); !fault.ok()) return fault;
  std::unique_ptr<rocksdb::FSWritableFile> opened;
  rocksdb::IOStatus status = target_->NewWritableFile(path, options, &opened, debug);
  if (!status.ok()) return status;
  *file = std::make_unique<FaultyFile>(*this, path, std::move(opened));
  const std::lock_guard lock(mutex_);
  if (path.ends_with(".log")) logs_.insert(path);
  return status;
}

inline rocksdb::IOStatus FaultyFiles::NewRandomAccessFile(
    const std::string& path, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSRandomAccessFile>* file, rocksdb::IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSRandomAccessFile> opened;
  rocksdb::IOStatus status = target_->NewRandomAccessFile(path, options, &opened, debug);
  if (status.ok()) *file = std::make_unique<FaultyTable>(*this, path, std::move(opened));
  return status;
}

inline rocksdb::IOStatus FaultyFiles::NewDirectory(const std::string& path,
                                                   const rocksdb::IOOptions& options,
                                                   std::unique_ptr<rocksdb::FSDirectory>* directory,
                                                   rocksdb::IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> opened;
  rocksdb::IOStatus status = target_->NewDirectory(path, options, &opened, debug);
  if (status.ok()) *directory = std::make_unique<FaultyDirectory>(*this, path, std::move(opened));
  return status;
}

// FaultyDisk is a disk in memory whose files fail.
class FaultyDisk {
 public:
  rocksdb::Env* env() { return env_.get(); }
  FaultyFiles& files() { return *files_; }
  // The same disk without the faults.
  rocksdb::Env* sound() { return memory_.get(); }

 private:
  std::unique_ptr<rocksdb::Env> memory_{rocksdb::NewMemEnv(rocksdb::Env::Default())};
  std::shared_ptr<FaultyFiles> files_ = std::make_shared<FaultyFiles>(memory_->GetFileSystem());
  std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(files_);
};

}  // namespace keymast::store
