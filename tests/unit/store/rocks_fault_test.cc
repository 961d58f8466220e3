// SPDX-License-Identifier: Apache-2.0
// Errors of the disk while a store is open: each write, each sync and each read fails once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faulty_files.h"
#include "store/rocks_store.h"

namespace keymast::store {
namespace {

constexpr size_t kCommits = 10;
// Large enough that some commits fill the write buffer, so that tables are written as well.
constexpr size_t kOctets = 100 * 1024;

// History commits numbered values under one key each, and remembers what was acknowledged.
class History {
 public:
  explicit History(Store& store) : store_(&store) {}

  // With `reads` the commit has to look up every earlier one.
  Result<Revision> CommitNext(bool reads = false) {
    Batch batch;
    for (size_t i = 0; reads && i < acknowledged_.size(); ++i) {
      batch.expected.push_back({"k" + std::to_string(1000 + acknowledged_[i]), i + 1});
    }
    ++tried_;
    batch.fence = store_->fence();
    batch.puts.emplace_back("k" + std::to_string(1000 + tried_),
                            Bytes(kOctets, static_cast<uint8_t>(tried_)));
    batch.puts.emplace_back("last", Bytes{static_cast<uint8_t>(tried_)});
    const Result<Revision> revision = store_->Commit(batch);
    if (revision) acknowledged_.push_back(tried_);
    return revision;
  }
  void GoOn(Store& store) { store_ = &store; }
  size_t acknowledged() const { return acknowledged_.size(); }
  size_t tried() const { return tried_; }

  // Matches says whether `store` holds the acknowledged commits and, where `more` is, the one
  // numbered `more` behind them.
  bool Matches(Store& store, std::optional<size_t> more) const {
    std::vector<size_t> expected = acknowledged_;
    if (more) expected.push_back(*more);
    const auto entries = store.Scan("k", "", SIZE_MAX, 0);
    if (!entries || entries->size() != expected.size()) return false;
    for (size_t i = 0; i < expected.size(); ++i) {
      const Entry& entry = (*entries)[i];
      if (entry.key != "k" + std::to_string(1000 + expected[i])) return false;
      if (entry.revision != i + 1) return false;
      if (entry.value != Bytes(kOctets, static_cast<uint8_t>(expected[i]))) return false;
    }
    return store.revision() == expected.size();
  }

 private:
  Store* store_;
  size_t tried_ = 0;
  std::vector<size_t> acknowledged_;
};

class RocksFaults : public ::testing::TestWithParam<Operation> {};

// TryEio is false once no operation is left that could fail.
bool TryEio(Operation operation, size_t n) {
  FaultyDisk disk;
  auto opened = OpenRocksStore({"/data", true, disk.env()});
  EXPECT_TRUE(opened);
  if (!opened) return false;
  disk.files().Plan({operation, n});
  Store& store = **opened;
  History history(store);
  std::optional<size_t> in_flight;
  // A commit may overtake a thread in the background that has just met the fault; hardly several.
  size_t overtakes = kCommits;
  bool fired = false;
  while (history.tried() < kCommits || (fired && !in_flight && overtakes > 0)) {
    const Result<Revision> revision = history.CommitNext();
    if (revision) {
      EXPECT_FALSE(in_flight) << "a closed store took a commit";
      if (fired) --overtakes;
      disk.files().WaitForFlush();
      fired = disk.files().fired();
      continue;
    }
    fired = disk.files().fired();
    EXPECT_EQ(revision.error(), Error::kStoreClosed) << ErrorName(revision.error());
    if (!in_flight) in_flight = history.tried();
    EXPECT_TRUE(history.Matches(store, std::nullopt)) << "reads go on";
  }
  EXPECT_EQ(fired, in_flight.has_value());
  opened->reset();
  EXPECT_FALSE(disk.files().synced_again());

  auto again = OpenRocksStore({"/data", false, disk.sound()});
  EXPECT_TRUE(again) << again.error().message;
  if (again) {
    EXPECT_TRUE(history.Matches(**again, std::nullopt) || history.Matches(**again, in_flight));
  }
  return disk.files().fired();
}

TEST_P(RocksFaults, EioClosesTheStoreForWritingAndLosesNothing) {
  size_t n = 1;
  while (TryEio(GetParam(), n)) {
    ASSERT_FALSE(HasFailure()) << "n = " << n;
    ++n;
  }
  EXPECT_GT(n, kCommits);
}

TEST_P(RocksFaults, EioAtAnOpenIsAFailureAndLosesNothing) {
  for (size_t n = 1;; ++n) {
    FaultyDisk disk;
    auto store = OpenRocksStore({"/data", true, disk.env()});
    ASSERT_TRUE(store);
    History history(**store);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(history.CommitNext());
    store->reset();
    disk.files().Plan({GetParam(), n});
    store = OpenRocksStore({"/data", false, disk.env()});
    if (store) {
      EXPECT_TRUE(history.Matches(**store, std::nullopt)) << "n = " << n;
      store->reset();
    } else {
      EXPECT_EQ(store.error().error, Error::kIo) << store.error().message;
      EXPECT_FALSE(store.error().message.empty());
    }
    const bool fired = disk.files().fired();
    store = OpenRocksStore({"/data", false, disk.sound()});
    ASSERT_TRUE(store) << "n = " << n << ": " << store.error().message;
    ASSERT_TRUE(history.Matches(**store, std::nullopt)) << "n = " << n;
    if (!fired) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Operations, RocksFaults,
                         ::testing::Values(Operation::kWrite, Operation::kSync),
                         [](const auto& test) {
                           return test.param == Operation::kWrite ? "Write" : "Sync";
                         });

// TryRead is false once no read is left that could fail: of any thread, or of ours.
bool TryRead(size_t n, bool ours) {
  FaultyDisk disk;
  auto opened = OpenRocksStore({"/data", true, disk.env()});
  EXPECT_TRUE(opened);
  if (!opened) return false;
  History history(**opened);
  for (size_t i = 0; i < kCommits; ++i) EXPECT_TRUE(history.CommitNext());
  opened->reset();
  opened = OpenRocksStore({"/data", false, disk.env()});
  EXPECT_TRUE(opened);
  if (!opened) return false;
  Store& store = **opened;
  history.GoOn(store);
  disk.files().Plan({.operation = Operation::kRead,
                     .n = n,
                     .only_of = ours ? std::this_thread::get_id() : std::thread::id()});
  // A compaction that meets it closes the store; who asks is told, once.
  const auto is_expected = [&](Error error) {
    return error == Error::kIo || (!ours && error == Error::kStoreClosed);
  };
  for (size_t i = 0; i < kCommits; ++i) {
    const auto looked_up = history.CommitNext(true);
    EXPECT_TRUE(looked_up || is_expected(looked_up.error())) << ErrorName(looked_up.error());
    const auto entries = store.Scan("k", "", SIZE_MAX, 0);
    EXPECT_TRUE(entries || entries.error() == Error::kIo) << ErrorName(entries.error());
    if (looked_up && entries) continue;
    EXPECT_TRUE(history.Matches(store, std::nullopt)) << "reads go on";
    EXPECT_TRUE(!ours || history.CommitNext(true)) << "and commits";
  }
  const bool fired = disk.files().fired();
  opened->reset();
  auto again = OpenRocksStore({"/data", false, disk.sound()});
  EXPECT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again && history.Matches(**again, std::nullopt));
  return fired;
}

TEST(RocksReads, EioIsToldAndLosesNothing) {
  for (const bool ours : {true, false}) {
    size_t n = 1;
    while (TryRead(n, ours)) {
      ASSERT_FALSE(HasFailure()) << "n = " << n << (ours ? ", ours" : "");
      ++n;
    }
    EXPECT_GT(n, 3u);
  }
}

// TryFull is false once no write is left that could fail.
bool TryFull(size_t n, bool goes_on, const std::string& suffix) {
  FaultyDisk disk;
  auto opened = OpenRocksStore({"/data", true, disk.env()});
  EXPECT_TRUE(opened);
  if (!opened) return false;
  disk.files().Plan({Operation::kWrite, n, true, goes_on, suffix});
  Store& store = **opened;
  History history(store);
  while (history.tried() < kCommits) {
    const Revision before = store.revision();
    const Result<Revision> revision = history.CommitNext();
    if (revision) {
      EXPECT_EQ(*revision, before + 1);
      continue;
    }
    EXPECT_EQ(revision.error(), Error::kNoSpace) << ErrorName(revision.error());
    EXPECT_TRUE(history.Matches(store, std::nullopt)) << "nothing changed";
    EXPECT_EQ(history.CommitNext().has_value(), !goes_on);
    EXPECT_TRUE(history.Matches(store, std::nullopt));
    disk.files().Heal();
    EXPECT_TRUE(history.CommitNext()) << "there is room again";
    EXPECT_TRUE(history.Matches(store, std::nullopt));
  }
  opened->reset();
  auto again = OpenRocksStore({"/data", false, disk.sound()});
  EXPECT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again && history.Matches(**again, std::nullopt));
  return disk.files().fired();
}

TEST(RocksFull, AFullDiskChangesNothingAndTheStoreGoesOnWhenThereIsRoom) {
  for (const bool goes_on : {false, true}) {
    for (const std::string suffix : {"", ".log"}) {
      size_t n = 1;
      while (TryFull(n, goes_on, suffix)) {
        ASSERT_FALSE(::testing::Test::HasFailure()) << suffix << " n = " << n;
        ++n;
      }
      EXPECT_GT(n, 2u) << suffix;
    }
  }
}

TEST(RocksFull, AKillAfterARefusalDoesNotBringItBack) {
  for (size_t n = 1;; ++n) {
    FaultyDisk disk;
    auto store = OpenRocksStore({"/data", true, disk.env()});
    ASSERT_TRUE(store);
    disk.files().Plan({Operation::kWrite, n, true, true, ".log"});
    History history(**store);
    while (history.tried() < kCommits && history.CommitNext()) {
    }
    const bool fired = disk.files().fired();
    store->reset();
    store = OpenRocksStore({"/data", false, disk.sound()});
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE(history.Matches(**store, std::nullopt)) << n;
    if (!fired) break;
  }
}

TEST(RocksFull, AReserveIsKeptFree) {
  FaultyDisk disk;
  auto store = OpenRocksStore({"/data", true, disk.env()});
  ASSERT_TRUE(store);
  History history(**store);
  ASSERT_TRUE(history.CommitNext());
  disk.files().SetFree(100 * 1024);
  EXPECT_EQ(history.CommitNext().error(), Error::kNoSpace);
  EXPECT_TRUE(history.Matches(**store, std::nullopt));
  disk.files().SetFree(uint64_t{100} * 1024 * 1024);
  EXPECT_TRUE(history.CommitNext());
  EXPECT_TRUE(history.Matches(**store, std::nullopt));
}

TEST(RocksFull, AnOpenOnAFullDiskIsNoSpaceAndLosesNothing) {
  for (size_t n = 1;; ++n) {
    FaultyDisk disk;
    auto store = OpenRocksStore({"/data", true, disk.env()});
    ASSERT_TRUE(store);
    History history(**store);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(history.CommitNext());
    store->reset();
    disk.files().Plan({Operation::kWrite, n, true, true});
    store = OpenRocksStore({"/data", false, disk.env()});
    const bool fired = disk.files().fired();
    EXPECT_TRUE(store || store.error().error == Error::kNoSpace) << store.error().message;
    if (store) store->reset();
    store = OpenRocksStore({"/data", false, disk.sound()});
    ASSERT_TRUE(store) << "n = " << n << ": " << store.error().message;
    ASSERT_TRUE(history.Matches(**store, std::nullopt)) << "n = " << n;
    if (!fired) break;
  }
}

}  // namespace
}  // namespace keymast::store
