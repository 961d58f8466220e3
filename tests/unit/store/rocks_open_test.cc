// SPDX-License-Identifier: Apache-2.0
// What an open refuses, in which words, and that it leaves everything as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "store/rocks_head.h"
#include "store/rocks_store.h"
#include "temp_dir.h"

namespace keymast::store {
namespace {

using ::testing::HasSubstr;

using Opened = tl::expected<std::unique_ptr<Store>, Failure>;

class RocksOpen : public ::testing::Test {
 protected:
  Opened Open(bool create = false) const { return OpenRocksStore({path_, create, nullptr}); }
  void MakeStore() const {
    const Opened store = Open(true);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->Commit({{{"k", {1}}}, {}, {}, (*store)->fence()}));
  }
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      std::ifstream file(entry.path(), std::ios::binary);
      files[entry.path().filename()] = std::string(std::istreambuf_iterator<char>(file), {});
    }
    files.erase("LOCK");
    return files;
  }
  static void ExpectFailure(const Opened& store, Error error, const std::string& words) {
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().error, error) << store.error().message;
    EXPECT_THAT(store.error().message, HasSubstr(words));
    EXPECT_TRUE(store.error().message.ends_with('.'));
  }

  TempDir directory_;
  const std::string path_ = directory_.path() + "/data";
};

TEST_F(RocksOpen, NothingThereIsNotFound) {
  ExpectFailure(Open(), Error::kNotFound, path_);
  EXPECT_FALSE(std::filesystem::exists(path_));
  std::filesystem::create_directory(path_);
  ExpectFailure(Open(), Error::kNotFound, "holds no store");
  EXPECT_TRUE(std::filesystem::is_empty(path_));
  ExpectFailure(OpenRocksStore({path_ + "/a/b", true, nullptr}), Error::kNotFound, "above");
}

TEST_F(RocksOpen, CreateTakesOnlyAnEmptyDirectory) {
  std::filesystem::create_directory(path_);
  std::ofstream(path_ + "/000007.sst") << "somebody's";
  ExpectFailure(Open(true), Error::kAlreadyExists, "not empty");
  EXPECT_EQ(Files(), (std::map<std::string, std::string>{{"000007.sst", "somebody's"}}));
  std::filesystem::remove(path_ + "/000007.sst");
  MakeStore();
  const auto before = Files();
  ExpectFailure(Open(true), Error::kAlreadyExists, "not empty");
  EXPECT_EQ(Files(), before);
  EXPECT_TRUE(Open());
}

TEST_F(RocksOpen, OneStoreAtATime) {
  MakeStore();
  Opened first = Open();
  ASSERT_TRUE(first);
  ExpectFailure(Open(), Error::kInUse, path_);
  // The refused open has not let go of the lock for others: another process is refused as well.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Opened second = Open();
    _exit(!second && second.error().error == Error::kInUse ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE((*first)->Commit({{{"k", {2}}}, {}, {}, (*first)->fence()}));
  first->reset();
  EXPECT_TRUE(Open());
}

TEST_F(RocksOpen, AForeignDatabaseIsRefusedAndLeftAsItIs) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* raw = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, path_, &raw).ok());
  std::unique_ptr<rocksdb::DB> db(raw);
  ASSERT_TRUE(db->Put({}, "theirs", "value").ok());
  db.reset();
  const auto before = Files();
  ExpectFailure(Open(), Error::kCorrupt, path_);
  EXPECT_EQ(Files(), before);

  ASSERT_TRUE(rocksdb::DB::Open(options, path_, &raw).ok());
  db.reset(raw);
  ASSERT_TRUE(db->Flush({}).ok());
  db.reset();
  const auto flushed = Files();
  ExpectFailure(Open(), Error::kCorrupt, "no keymast store");
  EXPECT_EQ(Files(), flushed);
}

// Plant writes a record of a newer version over the head, in the log or in a table.
void Plant(const std::string& path, bool in_table) {
  rocksdb::DB* raw = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open({}, path, &raw).ok());
  const std::unique_ptr<rocksdb::DB> db(raw);
  std::string head = EncodeHead({kRocksFormat + 1, 7, 7}) + "and more";
  ASSERT_TRUE(db->Put({}, rocksdb::Slice(HeadKey()), head).ok());
  ASSERT_TRUE(!in_table || db->Flush({}).ok());
}

TEST_F(RocksOpen, ANewerFormatIsRefusedAndLeftAsItIs) {
  MakeStore();
  for (const bool in_table : {false, true}) {
    Plant(path_, in_table);
    const auto before = Files();
    ExpectFailure(Open(), Error::kNewerFormat, "newer version");
    EXPECT_EQ(Files(), before);
  }
}

TEST_F(RocksOpen, FilesOfOthersStay) {
  MakeStore();
  const std::vector<std::string> names = {"notes.txt", "backup.tar", ".hidden", "sst"};
  for (const std::string& name : names) std::ofstream(path_ + "/" + name) << name;
  for (int i = 0; i < 3; ++i) {
    const Opened store = Open();
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE((*store)->Commit({{{"k", Bytes(1000, 1)}}, {}, {}, (*store)->fence()}));
  }
  const auto files = Files();
  for (const std::string& name : names) EXPECT_EQ(files.at(name), name);
}

// Needed names CURRENT, the manifest and the tables in use; a close may leave others behind.
std::vector<std::string> Needed(const std::string& path) {
  rocksdb::DB* raw = nullptr;
  EXPECT_TRUE(rocksdb::DB::OpenForReadOnly({}, path, &raw).ok());
  const std::unique_ptr<rocksdb::DB> db(raw);
  std::vector<std::string> files;
  uint64_t manifest_size = 0;
  EXPECT_TRUE(db->GetLiveFiles(files, &manifest_size, false).ok());
  std::erase_if(files, [](const std::string& name) { return name.starts_with("/OPTIONS"); });
  return files;
}

TEST_F(RocksOpen, AMissingFileIsNamed) {
  MakeStore();
  ASSERT_TRUE(Open());  // the first commit is in a table now
  const std::vector<std::string> needed = Needed(path_);
  ASSERT_GE(needed.size(), 3u);
  for (const std::string& name : needed) {
    SCOPED_TRACE(name);
    std::filesystem::rename(path_ + name, directory_.path() + "/aside");
    const Opened store = Open();
    ExpectFailure(store, Error::kCorrupt, path_ + name);
    ExpectFailure(store, Error::kCorrupt, "backup");
    std::filesystem::rename(directory_.path() + "/aside", path_ + name);
  }
  EXPECT_TRUE(Open());
}

size_t ThreadsOfThisProcess() {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    count += entry.path().empty() ? 0u : 1u;
  }
  return count;
}

TEST_F(RocksOpen, NothingIsPrintedAndNoThreadStaysBehind) {
  const size_t before = ThreadsOfThisProcess();
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  MakeStore();
  {
    const Opened store = Open();
    ASSERT_TRUE(store);
    for (int i = 0; i < 30; ++i) {
      ASSERT_TRUE((*store)->Commit({{{"k", Bytes(500000, 1)}}, {}, {}, (*store)->fence()}));
    }
    EXPECT_LE(ThreadsOfThisProcess(), before + 3);
  }
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(ThreadsOfThisProcess(), before);
  for (const auto& [name, content] : Files()) EXPECT_FALSE(name.starts_with("LOG")) << name;
}

}  // namespace
}  // namespace keymast::store
