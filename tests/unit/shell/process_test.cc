// SPDX-License-Identifier: Apache-2.0
#include "shell/process.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace keymast::shell {
namespace {

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

TEST(OwnFolder, IsAFolderOfOursThatNobodyElseMayWrite) {
  std::string name = "/tmp/keymast-test-XXXXXX";
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  const auto refusal = [](const std::string& folder) {
    const auto checked = CheckOwnFolder(folder);
    return checked ? "" : checked.error().message;
  };
  EXPECT_EQ(refusal(name), "");
  ASSERT_EQ(chmod(name.c_str(), 0755), 0);
  EXPECT_EQ(refusal(name), "");
  for (const mode_t mode : {0770U, 0707U}) {
    ASSERT_EQ(chmod(name.c_str(), mode), 0);
    EXPECT_TRUE(refusal(name).starts_with(name + " may be written by others")) << refusal(name);
  }
  ASSERT_EQ(chmod(name.c_str(), 0700), 0);
  ASSERT_EQ(symlink(name.c_str(), (name + "/link").c_str()), 0);
  EXPECT_TRUE(refusal(name + "/link").starts_with(name + "/link is no folder"));
  EXPECT_EQ(CheckOwnFolder(name + "/absent").error().error, Error::kNotFound);
  if (geteuid() == 0) {
    ASSERT_EQ(chown(name.c_str(), 65534, 65534), 0);
    EXPECT_TRUE(refusal(name).starts_with(name + " is another user's")) << refusal(name);
  }
  std::filesystem::remove_all(name);
}

// As a user that no other test is at this time.
TEST(OwnFolder, OnlyTheSharedOneIsChecked) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  ASSERT_EQ(seteuid(static_cast<uid_t>(100'000 + getpid())), 0);
  const std::string shared = "/tmp/keymast-" + std::to_string(geteuid());
  EXPECT_TRUE(CheckSocketFolder("/nowhere/operator.sock"));
  EXPECT_TRUE(CheckSocketFolder(shared + "0/operator.sock"));
  EXPECT_EQ(CheckSocketFolder(shared + "/operator.sock").error().error, Error::kNotFound);
  EXPECT_EQ(mkdir(shared.c_str(), 0700), 0);
  EXPECT_TRUE(CheckSocketFolder(shared + "/operator.sock"));
  EXPECT_EQ(chmod(shared.c_str(), 0777), 0);
  const auto refused = CheckSocketFolder(shared + "/operator.sock");
  std::filesystem::remove(shared);
  ASSERT_EQ(seteuid(0), 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error, Error::kPermissionDenied);
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

// A place where systemd would listen.
class Notices {
 public:
  Notices() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    const std::string name = "keymast-notices-" + std::to_string(getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path + 1, name.size());  // abstract
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  }
  ~Notices() {
    unsetenv("NOTIFY_SOCKET");
    close(fd_);
  }
  std::string Next() {
    std::string text(256, 0);
    const ssize_t count = recv(fd_, text.data(), text.size(), 0);
    return text.substr(0, count < 0 ? 0 : static_cast<size_t>(count));
  }

 private:
  const int fd_;
};

TEST(WatchdogTest, IsToldTwiceAPeriodHoweverOftenTheLoopGoesRound) {
  Notices notices;
  setenv("WATCHDOG_USEC", "10000000", 1);
  Watchdog watchdog;
  unsetenv("WATCHDOG_USEC");
  const Instant start = Instant(std::chrono::seconds(1'800'000'000));
  EXPECT_LE(watchdog.Next(), start);
  watchdog.Alive(start);
  EXPECT_EQ(notices.Next(), "WATCHDOG=1");
  EXPECT_EQ(watchdog.Next(), start + std::chrono::seconds(5));
  watchdog.Alive(start + std::chrono::milliseconds(4999));
  EXPECT_EQ(notices.Next(), "");
  watchdog.Alive(start + std::chrono::seconds(5));
  EXPECT_EQ(notices.Next(), "WATCHDOG=1");
}

TEST(WatchdogTest, IsSilentWhereNobodyAsks) {
  Notices notices;
  unsetenv("WATCHDOG_USEC");
  Watchdog watchdog;
  EXPECT_EQ(watchdog.Next(), kNever);
  watchdog.Alive(Instant(std::chrono::seconds(1'800'000'000)));
  EXPECT_EQ(notices.Next(), "");
}

TEST(Groups, AreFoundByName) {
  const group* own = getgrgid(0);
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(GroupNamed(own->gr_name), gid_t{0});
  EXPECT_FALSE(GroupNamed("no such group"));
}

TEST(Descriptors, AreRaisedToTheHardLimit) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{before.rlim_max / 2, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(RaiseDescriptorLimit(1), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace keymast::shell
