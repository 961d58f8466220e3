// SPDX-License-Identifier: Apache-2.0
#include "store/rocks_guard.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace keymast::store {
namespace {

using rocksdb::IOStatus;

// FailingDirectory fails its first sync, when a second one is there or has had the time to come;
// any other sync succeeds, as the kernel says of pages that it marked clean.
class FailingDirectory final : public rocksdb::FSDirectory {
 public:
  IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    std::unique_lock lock(mutex_);
    if (++syncs_ > 1) {
      second_.notify_all();
      return IOStatus::OK();
    }
    second_.wait_for(lock, std::chrono::milliseconds(300), [this] { return syncs_ > 1; });
    return IOStatus::IOError("planned");
  }
  using FSDirectory::FsyncWithDirOptions;
  int syncs() const { return syncs_; }

 private:
  std::mutex mutex_;
  std::condition_variable second_;
  int syncs_ = 0;
};

class OneDirectory final : public rocksdb::FileSystemWrapper {
 public:
  OneDirectory() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "one directory"; }
  IOStatus NewDirectory(const std::string&, const rocksdb::IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        rocksdb::IODebugContext*) override {
    auto made = std::make_unique<FailingDirectory>();
    last_ = made.get();
    *directory = std::move(made);
    return IOStatus::OK();
  }
  const FailingDirectory& last() const { return *last_; }

 private:
  FailingDirectory* last_ = nullptr;
};

TEST(RocksGuard, OfTwoSyncsOfADirectoryTheSecondKnowsThatTheFirstFailed) {
  const auto target = std::make_shared<OneDirectory>();
  GuardedFiles files(target);
  std::unique_ptr<rocksdb::FSDirectory> directory;
  ASSERT_TRUE(files.NewDirectory("/data", {}, &directory, nullptr).ok());
  const auto sync = [&] {
    return directory->FsyncWithDirOptions({}, nullptr, rocksdb::DirFsyncOptions());
  };
  IOStatus other;
  std::thread flush([&] { other = sync(); });
  const IOStatus one = sync();
  flush.join();
  EXPECT_FALSE(one.ok());
  EXPECT_FALSE(other.ok());
  EXPECT_EQ(target->last().syncs(), 1);
  EXPECT_TRUE(files.broken());
}

}  // namespace
}  // namespace keymast::store
