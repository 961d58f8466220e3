// SPDX-License-Identifier: Apache-2.0
// The files of a backup: what they hold, and that they are in nobody's way.
#include <gtest/gtest.h>

#include "faulty_files.h"
#include "store/rocks_store.h"
#include "temp_dir.h"

namespace keymast::store {
namespace {

namespace fs = std::filesystem;

class RocksBackup : public ::testing::Test {
 protected:
  RocksBackup() { Open(true); }
  void Open(bool create) {
    store_.reset();
    auto opened = OpenRocksStore({path_, create, nullptr});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  Result<Revision> Commit(const std::string& key, size_t octets = 1) {
    return store_->Commit({{{key, Bytes(octets, 7)}}, {}, {}, store_->fence()});
  }
  static size_t CountIn(const std::string& folder) {
    auto opened = OpenRocksStore({folder, false, nullptr});
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? (*opened)->Scan("k", "", SIZE_MAX, 0).value_or(std::vector<Entry>()).size() : 0;
  }

  TempDir directory_;
  const std::string path_ = directory_.path() + "/data";
  std::unique_ptr<Store> store_;
};

TEST_F(RocksBackup, ItHoldsWhatWasDurableWhenItBegan) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Commit("k" + std::to_string(i), 100'000));
  const auto folder = store_->BeginBackup();
  ASSERT_TRUE(folder) << ErrorName(folder.error());
  for (int i = 20; i < 60; ++i) ASSERT_TRUE(Commit("k" + std::to_string(i), 100'000));
  fs::rename(*folder, directory_.path() + "/copy");
  EXPECT_TRUE(store_->EndBackup());
  EXPECT_EQ(CountIn(directory_.path() + "/copy"), 20U);
  EXPECT_EQ(store_->Scan("k", "", SIZE_MAX, 0)->size(), 60U);
}

TEST_F(RocksBackup, ItIsOnTheFileSystemOfTheStoreAndEndsWhenItIsTold) {
  ASSERT_TRUE(Commit("k"));
  const auto folder = store_->BeginBackup();
  ASSERT_TRUE(folder);
  EXPECT_EQ(fs::path(*folder).parent_path(), path_);
  EXPECT_FALSE(fs::is_empty(*folder));
  EXPECT_TRUE(store_->EndBackup());
  EXPECT_FALSE(fs::exists(*folder));
  EXPECT_TRUE(store_->EndBackup()) << "well without one, too";
}

TEST_F(RocksBackup, ANewOneTakesThePlaceOfTheLast) {
  ASSERT_TRUE(Commit("k1"));
  ASSERT_TRUE(store_->BeginBackup());
  ASSERT_TRUE(Commit("k2"));
  const auto folder = store_->BeginBackup();
  ASSERT_TRUE(folder);
  EXPECT_EQ(CountIn(*folder), 2U);
}

TEST_F(RocksBackup, AnOpenPassesOverItAndRemovesIt) {
  ASSERT_TRUE(Commit("k"));
  const auto folder = store_->BeginBackup();
  ASSERT_TRUE(folder);
  fs::copy(*folder, *folder + ".tmp");  // as one that was cut short
  Open(false);
  EXPECT_FALSE(fs::exists(*folder));
  EXPECT_FALSE(fs::exists(*folder + ".tmp"));
  EXPECT_EQ(store_->Scan("k", "", SIZE_MAX, 0)->size(), 1U);
  EXPECT_TRUE(Commit("k2"));
}

// What is refused stays as it is.
TEST_F(RocksBackup, AnOpenThatIsRefusedLeavesIt) {
  ASSERT_TRUE(Commit("k"));
  const auto folder = store_->BeginBackup();
  ASSERT_TRUE(folder);
  EXPECT_FALSE(OpenRocksStore({path_, false, nullptr}));
  EXPECT_TRUE(fs::exists(*folder));
}

TEST(RocksBackupFaults, WithoutRoomForItTheStoreGoesOnWithoutIt) {
  FaultyDisk disk;
  auto store = OpenRocksStore({"/data", true, disk.env()});
  ASSERT_TRUE(store);
  disk.files().SetFree(1000);
  const auto folder = (*store)->BeginBackup();
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error(), Error::kNoSpace);
  disk.files().SetFree(1 << 30);
  EXPECT_TRUE((*store)->Commit({{{"k", {1}}}, {}, {}, (*store)->fence()}));
}

}  // namespace
}  // namespace keymast::store
