// SPDX-License-Identifier: Apache-2.0
// A real disk that is small and gets full: needs root, for a tmpfs in a mount namespace of its own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "store/rocks_store.h"
#include "temp_dir.h"

namespace keymast::store {
namespace {

// Ballast is somebody else's file on the same disk.
class Ballast {
 public:
  explicit Ballast(const std::string& path)
      : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {}
  ~Ballast() { close(fd_); }
  Ballast(const Ballast&) = delete;
  Ballast& operator=(const Ballast&) = delete;

  // Fill takes all the room there is.
  void Fill() {
    static const std::vector<char> kPage(4096, 'b');
    while (write(fd_, kPage.data(), kPage.size()) > 0) {
    }
  }
  void Empty() {
    ASSERT_EQ(ftruncate(fd_, 0), 0);
    ASSERT_EQ(lseek(fd_, 0, SEEK_SET), 0);
  }

 private:
  const int fd_;
};

class RocksTmpfs : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=12m") != 0) {
      GTEST_SKIP() << "needs root and a mount namespace";
    }
    mounted_ = true;
    Open(true);
  }
  void TearDown() override {
    store_.reset();
    EXPECT_TRUE(!mounted_ || umount2(directory_.path().c_str(), MNT_DETACH) == 0);
  }

  void Open(bool create) {
    store_.reset();
    auto opened = OpenRocksStore({directory_.path() + "/data", create, nullptr});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  // CommitOne overwrites one of a few keys with octets that do not compress, and keeps the model.
  Result<Revision> CommitOne() {
    Batch batch;
    batch.fence = store_->fence();
    const size_t key = random_() % kKeys;
    Bytes value(kOctets);
    for (uint8_t& octet : value) octet = static_cast<uint8_t>(random_());
    batch.puts.emplace_back("k" + std::to_string(10 + key), value);
    const Result<Revision> revision = store_->Commit(batch);
    if (revision) model_[batch.puts[0].first] = std::move(value);
    return revision;
  }
  // CommitOnFullDisk is false when there was no room for it; then nothing has changed.
  bool CommitOnFullDisk() {
    const Revision before = store_->revision();
    const Result<Revision> revision = CommitOne();
    EXPECT_EQ(store_->revision(), before + (revision ? 1 : 0));
    EXPECT_TRUE(revision || revision.error() == Error::kNoSpace) << ErrorName(revision.error());
    return revision.has_value();
  }
  void ExpectModel() {
    const auto entries = store_->Scan("", "", SIZE_MAX, 0);
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), model_.size());
    for (const Entry& entry : *entries) ASSERT_EQ(entry.value, model_.at(entry.key)) << entry.key;
  }

  static constexpr size_t kKeys = 20;
  static constexpr size_t kOctets = 20 * 1024;
  TempDir directory_;
  bool mounted_ = false;
  std::unique_ptr<Store> store_;
  std::mt19937 random_{1};
  std::map<std::string, Bytes> model_;
};

TEST_F(RocksTmpfs, TwelveMebibytesAreEnoughForLongOverwriting) {
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(CommitOne()) << i;
  ExpectModel();
  Open(false);
  ExpectModel();
}

TEST_F(RocksTmpfs, AFullDiskRefusesAndGoesOnWhenThereIsRoom) {
  Ballast ballast(directory_.path() + "/ballast");
  for (int cycle = 0; cycle < 20; ++cycle) {
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(CommitOne()) << cycle;
    // A table that is no longer needed may go away at any moment, and make room.
    bool is_refused = false;
    for (int i = 0; i < 1000 && !is_refused; ++i) {
      ballast.Fill();
      is_refused = !CommitOnFullDisk();
    }
    EXPECT_TRUE(is_refused);
    for (int i = 0; i < 30; ++i) CommitOnFullDisk();
    ExpectModel();
    ballast.Empty();
    if (cycle % 5 == 4) Open(false);
    ExpectModel();
  }
}

// Room that goes while a commit is under way is not seen beforehand.
TEST_F(RocksTmpfs, RoomThatComesAndGoesLosesNothing) {
  Ballast ballast(directory_.path() + "/ballast");
  std::atomic<bool> stop = false;
  std::thread other([&] {
    while (!stop) {
      ballast.Fill();
      std::this_thread::yield();
      ballast.Empty();
      std::this_thread::yield();
    }
  });
  size_t taken = 0;
  size_t refused = 0;
  for (int i = 0; i < 3000 && (taken < 300 || refused < 300); ++i) {
    const Revision before = store_->revision();
    const Result<Revision> revision = CommitOne();
    EXPECT_TRUE(revision ? *revision == before + 1 : revision.error() == Error::kNoSpace)
        << ErrorName(revision.error());
    if (HasFailure()) break;
    ++(revision ? taken : refused);
  }
  stop = true;
  other.join();
  ballast.Empty();
  EXPECT_GT(taken, 0u);
  EXPECT_GT(refused, 0u);
  ExpectModel();
  ASSERT_TRUE(CommitOne());
  Open(false);
  ExpectModel();
}

TEST_F(RocksTmpfs, AnOpenOnAFullDiskOpensOrSaysSo) {
  Ballast ballast(directory_.path() + "/ballast");
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(CommitOne());
  store_.reset();
  ballast.Fill();
  auto opened = OpenRocksStore({directory_.path() + "/data", false, nullptr});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().error, Error::kNoSpace);
  EXPECT_NE(opened.error().message.find("room"), std::string::npos);
  ballast.Empty();
  Open(false);
  ExpectModel();
}

}  // namespace
}  // namespace keymast::store
