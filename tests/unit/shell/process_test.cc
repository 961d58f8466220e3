// SPDX-License-Identifier: Apache-2.0
#include "shell/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace keymast::shell {
namespace {

class SecretFile : public testing::Test {
 protected:
  SecretFile() {
    std::string pattern = testing::TempDir() + "/secretXXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~SecretFile() override { std::filesystem::remove_all(folder_); }
  std::string Path(const char* name) const { return folder_ + "/" + name; }

  std::string folder_;
  const Bytes secret_{1, 2, 3, 4};
};

TEST_F(SecretFile, IsWrittenForItsOwnerAloneAndReadBack) {
  ASSERT_TRUE(WriteSecretFile(Path("key"), secret_));
  struct stat about {};
  ASSERT_EQ(stat(Path("key").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
  Bytes room(8);
  const auto size = ReadSecretFile(Path("key"), room);
  ASSERT_TRUE(size);
  room.resize(*size);
  EXPECT_EQ(room, secret_);
}

TEST_F(SecretFile, IsNeverOverwritten) {
  ASSERT_TRUE(WriteSecretFile(Path("key"), secret_));
  EXPECT_EQ(WriteSecretFile(Path("key"), Bytes{9}).error(), Error::kAlreadyExists);
  Bytes room(8);
  EXPECT_EQ(*ReadSecretFile(Path("key"), room), secret_.size());
}

TEST_F(SecretFile, IsRefusedWhenOthersMayReadIt) {
  ASSERT_TRUE(WriteSecretFile(Path("key"), secret_));
  Bytes room(8);
  for (const mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
    ASSERT_EQ(chmod(Path("key").c_str(), mode), 0);
    EXPECT_EQ(ReadSecretFile(Path("key"), room).error(), Error::kPermissionDenied) << mode;
  }
  ASSERT_EQ(chmod(Path("key").c_str(), 0400), 0);
  EXPECT_TRUE(ReadSecretFile(Path("key"), room));
}

TEST_F(SecretFile, ThatDoesNotFitIsRefused) {
  ASSERT_TRUE(WriteSecretFile(Path("key"), secret_));
  Bytes room(secret_.size() - 1);
  EXPECT_EQ(ReadSecretFile(Path("key"), room).error(), Error::kTooLong);
}

TEST_F(SecretFile, ThatIsAbsentOrNoFileIsRefused) {
  Bytes room(8);
  EXPECT_EQ(ReadSecretFile(Path("none"), room).error(), Error::kNotFound);
  EXPECT_EQ(ReadSecretFile(folder_, room).error(), Error::kIo);
  EXPECT_EQ(WriteSecretFile(Path("none/key"), secret_).error(), Error::kNotFound);
}

TEST(SystemClock, IsUtcAndNeverGoesBack) {
  const SystemClock clock;
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  const Instant real = FromUnixNanos(int64_t{wall.tv_sec} * 1'000'000'000 + int64_t{wall.tv_nsec});
  const Instant now = clock.Now();
  EXPECT_LT(std::chrono::abs(now - real), std::chrono::seconds(5));
  Instant last = now;
  for (int i = 0; i < 1000; ++i) {
    const Instant next = clock.Now();
    ASSERT_GE(next, last);
    last = next;
  }
}

TEST(SystemClock, ConvertsToBoottime) {
  const SystemClock clock;
  const Instant now = clock.Now();
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  const int64_t nanos = int64_t{boot.tv_sec} * 1'000'000'000 + boot.tv_nsec;
  EXPECT_LE(clock.ToBoottime(now), nanos);
  EXPECT_EQ(clock.ToBoottime(now + std::chrono::seconds(1)) - clock.ToBoottime(now), 1'000'000'000);
}

TEST(Directories, FollowTheEnvironmentOfANormalUser) {
  if (geteuid() == 0) {
    EXPECT_EQ(RuntimeDirectory(), "/run/keymast");
    EXPECT_EQ(StateDirectory(), "/var/lib/keymast");
    EXPECT_EQ(ConfigDirectory(), "/etc/keymast");
    return;
  }
  setenv("XDG_RUNTIME_DIR", "/r", 1);
  setenv("XDG_STATE_HOME", "/s", 1);
  setenv("XDG_CONFIG_HOME", "/c", 1);
  EXPECT_EQ(RuntimeDirectory(), "/r/keymast");
  EXPECT_EQ(StateDirectory(), "/s/keymast");
  EXPECT_EQ(ConfigDirectory(), "/c/keymast");
}

TEST(Termination, MakesTheDescriptorReadable) {
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  const int fd = TerminationFd();
  pollfd ready{fd, POLLIN, 0};
  EXPECT_EQ(poll(&ready, 1, 0), 0);
  raise(SIGTERM);
  EXPECT_EQ(poll(&ready, 1, 1000), 1);
  char octets[256];
  EXPECT_GT(read(fd, octets, sizeof octets), 0);
  close(fd);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace keymast::shell
