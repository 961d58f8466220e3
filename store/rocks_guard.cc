// SPDX-License-Identifier: Apache-2.0
#include "store/rocks_guard.h"

namespace keymast::store {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// SyncOrBreak syncs once: a sync that fails is the last one.
template <class Call>
IOStatus SyncOrBreak(GuardedFiles& guard, Call call) {
  bool tried = false;
  IOStatus status = guard.Change(call, &tried);
  if (tried && !status.ok()) guard.Break();
  return status;
}

bool IsLog(const std::string& path) { return path.ends_with(".log"); }

class GuardedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  GuardedFile(GuardedFiles& guard, bool is_log, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), guard_(guard), is_log_(is_log) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return Appended(data, [&] { return target()->Append(data, options, debug); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* debug) override {
    return Appended(data, [&] { return target()->Append(data, options, verification, debug); });
  }
  IOStatus PositionedAppend(const Slice&, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("direct I/O");
  }
  IOStatus PositionedAppend(const Slice&, uint64_t, const IOOptions&,
                            const rocksdb::DataVerificationInfo&, IODebugContext*) override {
    return IOStatus::NotSupported("direct I/O");
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return guard_.Change([&] { return target()->Truncate(size, options, debug); });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return Synced([&] { return target()->Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Synced([&] { return target()->Fsync(options, debug); });
  }
  IOStatus RangeSync(uint64_t offset, uint64_t octets, const IOOptions& options,
                     IODebugContext* debug) override {
    return guard_.Change([&] { return target()->RangeSync(offset, octets, options, debug); });
  }

 private:
  template <class Call>
  IOStatus Appended(const Slice& data, Call call) {
    bool tried = false;
    IOStatus status = guard_.Change(call, &tried);
    if (status.ok()) {
      size_ += data.size();
      if (is_log_) guard_.CountLog(data.size());
    } else if (is_log_ && tried) {
      Forget(status);
    }
    return status;
  }

  // Forget takes a batch that did not fit out of the log: RocksDB keeps it in a buffer and would
  // write it later, after its commit was refused.
  void Forget(const IOStatus& status) {
    guard_.Freeze();
    if (status.IsNoSpace() && target()->Truncate(synced_, {}, nullptr).ok()) {
      guard_.UncountLog(size_ - synced_);
    } else {
      guard_.Break();
    }
  }

  template <class Call>
  IOStatus Synced(Call call) {
    const uint64_t size = size_;
    IOStatus status = SyncOrBreak(guard_, call);
    if (status.ok()) synced_ = size;
    return status;
  }

  GuardedFiles& guard_;
  const bool is_log_;
  uint64_t size_ = 0;
  uint64_t synced_ = 0;
};

class GuardedDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  GuardedDirectory(GuardedFiles& guard, std::unique_ptr<rocksdb::FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), guard_(guard) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    const auto alone = guard_.DirectorySync();
    return SyncOrBreak(guard_, [&] { return FSDirectoryWrapper::Fsync(options, debug); });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& directory) override {
    const auto alone = guard_.DirectorySync();
    return SyncOrBreak(
        guard_, [&] { return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, directory); });
  }

 private:
  GuardedFiles& guard_;
};

// HeldLock stands for the lock that the store itself holds.
class HeldLock final : public rocksdb::FileLock {};

}  // namespace

void GuardedFiles::Freeze() {
  {
    const std::lock_guard lock(mutex_);
    frozen_ = true;
  }
  woken_.notify_all();
  const std::unique_lock drained(gate_);
}

void GuardedFiles::Sleep(std::chrono::microseconds duration) {
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, duration, [this] { return frozen(); });
}

IOStatus GuardedFiles::Refusal() {
  return IOStatus::IOError("an earlier write failed: the files are not written any more");
}

std::string GuardedFiles::last_read() const {
  const std::lock_guard lock(mutex_);
  return last_read_;
}

IOStatus GuardedFiles::NewSequentialFile(const std::string& path,
                                         const rocksdb::FileOptions& options,
                                         std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                         IODebugContext* debug) {
  {
    const std::lock_guard lock(mutex_);
    last_read_ = path;
  }
  return target_->NewSequentialFile(path, options, file, debug);
}

IOStatus GuardedFiles::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> opened;
  IOStatus status = Change([&] { return target_->NewWritableFile(path, options, &opened, debug); });
  if (status.ok()) *file = std::make_unique<GuardedFile>(*this, IsLog(path), std::move(opened));
  return status;
}

// RocksDB goes on with an old file only with options that are off here.
IOStatus GuardedFiles::ReopenWritableFile(const std::string&, const rocksdb::FileOptions&,
                                          std::unique_ptr<rocksdb::FSWritableFile>*,
                                          IODebugContext*) {
  return IOStatus::NotSupported("reopen");
}
IOStatus GuardedFiles::ReuseWritableFile(const std::string&, const std::string&,
                                         const rocksdb::FileOptions&,
                                         std::unique_ptr<rocksdb::FSWritableFile>*,
                                         IODebugContext*) {
  return IOStatus::NotSupported("reuse");
}

IOStatus GuardedFiles::NewDirectory(const std::string& path, const IOOptions& options,
                                    std::unique_ptr<rocksdb::FSDirectory>* directory,
                                    IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> opened;
  IOStatus status = target_->NewDirectory(path, options, &opened, debug);
  if (status.ok()) *directory = std::make_unique<GuardedDirectory>(*this, std::move(opened));
  return status;
}

IOStatus GuardedFiles::DeleteFile(const std::string& path, const IOOptions& options,
                                  IODebugContext* debug) {
  return Change([&] { return target_->DeleteFile(path, options, debug); });
}

IOStatus GuardedFiles::RenameFile(const std::string& from, const std::string& to,
                                  const IOOptions& options, IODebugContext* debug) {
  return Change([&] { return target_->RenameFile(from, to, options, debug); });
}

IOStatus GuardedFiles::Truncate(const std::string& path, size_t size, const IOOptions& options,
                                IODebugContext* debug) {
  return Change([&] { return target_->Truncate(path, size, options, debug); });
}

IOStatus GuardedFiles::LockFile(const std::string&, const IOOptions&, rocksdb::FileLock** lock,
                                IODebugContext*) {
  *lock = new HeldLock;
  return IOStatus::OK();
}

IOStatus GuardedFiles::UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) {
  delete lock;
  return IOStatus::OK();
}

}  // namespace keymast::store
