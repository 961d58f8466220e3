// SPDX-License-Identifier: Apache-2.0
// A backup in steps: what is in it, and what is left when it ends in any other way.
#include "server/backup_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "server/open_store.h"

namespace keymast::server {
namespace {

namespace fs = std::filesystem;
using rekey::Progress;

constexpr BackupJob::Pace kCopies{1000, false};
constexpr BackupJob::Pace kRenames{1000, true};

class BackupJobTest : public testing::Test {
 protected:
  BackupJobTest() {
    std::string folder = testing::TempDir() + "keymast-backup-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    config_.data = folder + "/data";
    config_.witness = folder + "/witness";
    backup_ = folder + "/backups/one";
    EXPECT_TRUE(InitStore(config_, {&key_}).has_value());
    Open();
    for (int i = 0; i < 5; ++i) Commit();
  }
  ~BackupJobTest() override { fs::remove_all(folder_); }

  void Open() {
    opened_.reset();
    auto opened = OpenStore(config_, {&key_});
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    opened_.emplace(std::move(*opened));
  }
  void Commit() { ASSERT_TRUE(durable().Commit({rekey::MukCounterReserved{++commits_}})); }
  Durable& durable() { return *opened_->durable; }
  BackupJob Job(BackupJob::Pace pace) { return {durable(), backup_, pace}; }

  // Begin makes the first step, and keeps what a start needs beside the backup.
  Progress Begin(BackupJob& job) {
    fs::copy_file(config_.witness, folder_ / "kept", fs::copy_options::overwrite_existing);
    in_it_ = commits_;
    return job.Step({});
  }
  // End makes the steps that are left.
  static Progress End(BackupJob& job, Progress progress) {
    while (!progress.IsDone()) progress = job.Step(progress);
    return progress;
  }
  // ExpectWhole: a store starts from it, with what was durable at its beginning, and nothing is
  // left of how it was made.
  void ExpectWhole(const Progress& end) {
    EXPECT_FALSE(end.failed) << end.message;
    EXPECT_EQ(end.done, end.total);
    EXPECT_EQ(end.notes, std::vector<std::string>{backup_});
    uint64_t octets = 0;
    for (const auto& file : fs::directory_iterator(backup_)) octets += file.file_size();
    EXPECT_EQ(end.total, octets);
    ServerConfig restored;
    restored.data = folder_ / "restored";
    restored.witness = folder_ / "kept";
    fs::remove_all(restored.data);
    fs::copy(backup_, restored.data, fs::copy_options::recursive);
    const auto opened = OpenStore(restored, {&key_});
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    EXPECT_EQ(opened->about.possibly_lost_commits, 0U);
    EXPECT_EQ(opened->state.muk_counter.end, in_it_);
    ExpectNothingBeside(1);
  }
  // ExpectNothing: neither the backup nor anything of it is there.
  void ExpectNothing() { ExpectNothingBeside(0); }
  void ExpectNothingBeside(size_t backups) {
    EXPECT_FALSE(fs::exists(folder_ / "data/backup.part"));
    const fs::path all = fs::path(backup_).parent_path();
    const auto count = fs::exists(all) ? std::distance(fs::directory_iterator(all), {}) : 0;
    EXPECT_EQ(static_cast<size_t>(count), backups);
  }

  fs::path folder_;
  ServerConfig config_;
  std::string backup_;
  crypto::LocalMasterKey key_{crypto::SecretKey<32>(Bytes(32, 9))};
  std::optional<OpenedStore> opened_;
  uint64_t commits_ = 256;
  uint64_t in_it_ = 0;
};

TEST_F(BackupJobTest, ItGrowsInSmallStepsBetweenWhichCommitsGoOn) {
  BackupJob job = Job(kCopies);
  Progress progress = Begin(job);
  EXPECT_EQ(progress.done, 0U);
  EXPECT_GT(progress.total, 5 * kCopies.octets);
  const uint64_t total = progress.total;
  size_t steps = 0;
  while (!progress.IsDone()) {
    Commit();
    EXPECT_FALSE(fs::exists(backup_)) << "it has its name when it is whole";
    const uint64_t before = progress.done;
    progress = job.Step(progress);
    EXPECT_GE(progress.done, before);
    EXPECT_LE(progress.done, before + kCopies.octets);
    EXPECT_EQ(progress.total, total);
    ++steps;
  }
  EXPECT_GE(steps, total / kCopies.octets);
  ExpectWhole(progress);
  const auto state = durable().Load();
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->muk_counter.end, commits_);
}

TEST_F(BackupJobTest, OnOneFileSystemItTakesThreeSteps) {
  BackupJob job = Job(kRenames);
  Progress progress = Begin(job);
  Commit();
  progress = job.Step(progress);
  EXPECT_EQ(progress.done, progress.total);
  EXPECT_FALSE(progress.IsDone());
  progress = job.Step(progress);
  ASSERT_TRUE(progress.IsDone());
  ExpectWhole(progress);
}

TEST_F(BackupJobTest, OnAnotherFileSystemItIsCopied) {
  struct stat here {};
  struct stat there {};
  std::string other = "/dev/shm/keymast-backup-XXXXXX";
  if (stat(folder_.c_str(), &here) != 0 || stat("/dev/shm", &there) != 0 ||
      here.st_dev == there.st_dev || mkdtemp(other.data()) == nullptr) {
    GTEST_SKIP() << "there is no other file system";
  }
  backup_ = other + "/backups/one";
  BackupJob job = Job(kRenames);
  const Progress begun = Begin(job);
  const Progress next = job.Step(begun);
  EXPECT_GT(next.done, 0U);
  EXPECT_LT(next.done, next.total);
  ExpectWhole(End(job, next));
  fs::remove_all(other);
}

// Each of these goes through all steps, and has something happen behind the n-th.
class BackupJobSteps : public BackupJobTest, public testing::WithParamInterface<BackupJob::Pace> {
 protected:
  // AfterEach makes a job, has it do n steps, for all n before its last, and calls `then`.
  void AfterEach(const std::function<void(BackupJob& job, Progress progress)>& then) {
    for (size_t n = 1;; ++n) {
      SCOPED_TRACE(std::to_string(n) + " steps");
      fs::remove_all(backup_);
      BackupJob job = Job(GetParam());
      Progress progress = Begin(job);
      for (size_t i = 1; i < n && !progress.IsDone(); ++i) progress = job.Step(progress);
      if (progress.IsDone()) {
        EXPECT_GT(n, 2U);
        return;
      }
      then(job, progress);
      if (HasFailure()) return;
    }
  }
};

TEST_P(BackupJobSteps, CancelledItLeavesNothing) {
  AfterEach([this](BackupJob& job, Progress progress) {
    progress.cancelling = true;
    const Progress end = job.Step(progress);
    EXPECT_TRUE(end.IsDone() && end.failed);
    EXPECT_EQ(end.error, Error::kCancelled);
    ExpectNothing();
  });
}

TEST_P(BackupJobSteps, GivenUpItLeavesNothingAndSaysWhy) {
  AfterEach([this](BackupJob& job, Progress progress) {
    job.GiveUp({Error::kNoSpace, "no room", {}, {}, 0});
    ExpectNothing();
    const Progress end = job.Step(progress);
    EXPECT_TRUE(end.IsDone() && end.failed);
    EXPECT_EQ(end.error, Error::kNoSpace);
    EXPECT_EQ(end.message, "no room");
    progress.cancelling = true;
    EXPECT_EQ(job.Step(progress).error, Error::kCancelled);
    ExpectNothing();
  });
}

TEST_P(BackupJobSteps, BehindACrashItIsMadeAnew) {
  AfterEach([this](BackupJob&, const Progress& progress) {
    Open();
    EXPECT_FALSE(fs::exists(folder_ / "data/backup.part"));
    // What the crash left of a file must not be believed.
    if (fs::exists(backup_ + kPart)) std::ofstream(backup_ + kPart + "/CURRENT") << "torn";
    Commit();
    BackupJob again = Job(GetParam());
    Begin(again);
    ExpectWhole(End(again, progress));
  });
}

// As when only the job was lost.
TEST_P(BackupJobSteps, AnotherJobTakesOver) {
  AfterEach([this](BackupJob&, const Progress& progress) {
    BackupJob again = Job(GetParam());
    Begin(again);
    ExpectWhole(End(again, progress));
  });
}

TEST_P(BackupJobSteps, CancelledBehindACrashItLeavesNothing) {
  AfterEach([this](BackupJob&, Progress progress) {
    Open();
    progress.cancelling = true;
    EXPECT_EQ(Job(GetParam()).Step(progress).error, Error::kCancelled);
    ExpectNothing();
  });
}

TEST_P(BackupJobSteps, WhatCannotBeWrittenFailsAndLeavesNothing) {
  AfterEach([this](BackupJob& job, const Progress& progress) {
    // Somebody takes the whole folder away, and puts a file there.
    const fs::path all = fs::path(backup_).parent_path();
    fs::rename(all, folder_ / "away");
    std::ofstream(all) << "no folder";
    // A file that is open already goes on until its name is needed.
    const Progress end = End(job, progress);
    fs::remove(all);
    fs::remove_all(folder_ / "away");
    EXPECT_TRUE(end.failed);
    EXPECT_EQ(end.error, Error::kIo);
    EXPECT_THAT(end.message, testing::HasSubstr(backup_));
    ExpectNothing();
  });
}

INSTANTIATE_TEST_SUITE_P(Paces, BackupJobSteps,
                         testing::Values(BackupJob::Pace{16'000, false}, kRenames),
                         [](const auto& test) {
                           return test.param.renames ? "Renames" : "Copies";
                         });

TEST_F(BackupJobTest, AWriteThatFailsLeavesNothing) {
  BackupJob job = Job(kCopies);
  Progress progress = Begin(job);
  // Files above this size cannot be written, which is an error of the disk to a program.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1500, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  progress = End(job, progress);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, handler);
  EXPECT_TRUE(progress.failed);
  EXPECT_EQ(progress.error, Error::kIo);
  EXPECT_THAT(progress.message, testing::HasSubstr(backup_));
  ExpectNothing();
  Commit();
  BackupJob again = Job(kCopies);
  ExpectWhole(End(again, Begin(again)));
}

TEST_F(BackupJobTest, ADiskThatGetsFullLeavesNothingAndTheStoreGoesOn) {
  const fs::path small = folder_ / "small";
  fs::create_directory(small);
  if (mount("tmpfs", small.c_str(), "tmpfs", 0, "size=8k") != 0) {
    GTEST_SKIP() << "needs root, for a file system of its own";
  }
  backup_ = small / "backups/one";
  BackupJob job = Job(kRenames);
  const Progress end = End(job, Begin(job));
  EXPECT_TRUE(end.failed);
  EXPECT_EQ(end.error, Error::kNoSpace);
  ExpectNothing();
  Commit();
  EXPECT_EQ(umount2(small.c_str(), MNT_DETACH), 0);
}

TEST_F(BackupJobTest, AFileThatCannotBeReadLeavesNothing) {
  BackupJob job = Job(kCopies);
  const Progress begun = Begin(job);
  fs::remove(folder_ / "data/backup.part/CURRENT");
  const Progress end = End(job, begun);
  EXPECT_TRUE(end.failed);
  EXPECT_EQ(end.error, Error::kIo);
  ExpectNothing();
}

// Of an attempt whose end was not durable.
// Data that are put back hold the operation that made them, not at its end yet: it must not cost
// the backup that was put back, nor a newer one of its name.
TEST_F(BackupJobTest, ABackupThatHasTheNameStaysAndIsTheOneThatWasMade) {
  for (const bool cancelling : {false, true}) {
    fs::create_directories(backup_ + kPart);
    fs::create_directories(backup_);
    std::ofstream(backup_ + "/CURRENT") << "of before";
    Progress progress;
    progress.cancelling = cancelling;
    BackupJob job = Job(kCopies);
    const Progress end = job.Step(progress);
    EXPECT_TRUE(end.IsDone());
    EXPECT_FALSE(end.failed);
    EXPECT_EQ(end.total, 9U);
    EXPECT_EQ(end.done, 9U);
    std::string text;
    std::ifstream(backup_ + "/CURRENT") >> text;
    EXPECT_EQ(text, "of");
    EXPECT_FALSE(fs::exists(backup_ + kPart));
  }
}

TEST_F(BackupJobTest, WhatHasTheNameAndIsNoBackupStaysToo) {
  fs::create_directories(backup_);
  std::ofstream(backup_ + "/letters") << "of mine";
  BackupJob job = Job(kCopies);
  const Progress end = job.Step({});
  EXPECT_TRUE(end.failed);
  EXPECT_EQ(end.error, Error::kAlreadyExists);
  EXPECT_TRUE(fs::exists(backup_ + "/letters"));
}

}  // namespace
}  // namespace keymast::server
