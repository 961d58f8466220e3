// SPDX-License-Identifier: Apache-2.0
// The private socket with a group: its members connect, and nobody else, whatever becomes of the
// file's mode. What other users are and are not let do needs root to be them.
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "server/clients.h"

namespace keymast::server {
namespace {

constexpr uid_t kStranger = 64001;
constexpr gid_t kGroup = 64002;
constexpr gid_t kOther = 64003;

class SocketGroup : public testing::Test {
 protected:
  SocketGroup() {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    EXPECT_EQ(chmod(folder_.c_str(), 0755), 0);
    path_ = folder_ + "/core.sock";
  }
  ~SocketGroup() override { std::filesystem::remove_all(folder_); }

  mode_t Mode() const {
    struct stat about {};
    EXPECT_EQ(stat(path_.c_str(), &about), 0);
    return about.st_mode & 0777;
  }
  // ConnectsAs another user with these groups, in a process of its own.
  bool ConnectsAs(gid_t first, const std::vector<gid_t>& others) const {
    const pid_t child = fork();
    if (child == 0) {
      const bool is_other = setgroups(others.size(), others.data()) == 0 && setgid(first) == 0 &&
                            setuid(kStranger) == 0;
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      path_.copy(address.sun_path, sizeof address.sun_path - 1);
      const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const auto* generic = reinterpret_cast<const sockaddr*>(&address);
      _exit(is_other && connect(fd, generic, sizeof address) == 0 ? 0 : 1);
    }
    int status = 1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status == 0;
  }
  // IsRefused takes what has connected: true when it was told to go.
  bool IsRefused() {
    const uint64_t before = clients_.counters().refused_peers;
    loop_.Turn();
    return clients_.counters().refused_peers != before;
  }

  std::string folder_ = "/tmp/keymast-group-XXXXXX";
  std::string path_;
  shell::SystemClock clock_;
  Loop loop_{clock_};
  Clients clients_{loop_, [](ClientId, core::CoreRequest&) {}, [](ClientId) {}};
};

TEST_F(SocketGroup, ItsFileIsOpenToTheGroup) {
  ASSERT_TRUE(clients_.Listen(path_, getegid()));
  EXPECT_EQ(Mode(), 0660U);
}

TEST_F(SocketGroup, MembersConnectByFirstGroupAndByOthers) {
  if (geteuid() != 0) GTEST_SKIP() << "not root";
  ASSERT_TRUE(clients_.Listen(path_, kGroup));
  EXPECT_TRUE(ConnectsAs(kGroup, {}));
  EXPECT_FALSE(IsRefused());
  EXPECT_TRUE(ConnectsAs(kOther, {kOther, kGroup}));
  EXPECT_FALSE(IsRefused());
  EXPECT_FALSE(ConnectsAs(kOther, {kOther}));
}

TEST_F(SocketGroup, AMemberOfVeryManyGroupsIsFound) {
  if (geteuid() != 0) GTEST_SKIP() << "not root";
  std::vector<gid_t> many;
  for (gid_t group = 0; group < 1000; ++group) many.push_back(100'000 + group);
  many.push_back(kGroup);
  ASSERT_TRUE(clients_.Listen(path_, kGroup));
  EXPECT_TRUE(ConnectsAs(kOther, many));
  EXPECT_FALSE(IsRefused());
}

TEST_F(SocketGroup, WhoIsNotInItIsRefusedAlsoWhereTheModeLetsHimConnect) {
  if (geteuid() != 0) GTEST_SKIP() << "not root";
  ASSERT_TRUE(clients_.Listen(path_, kGroup));
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  EXPECT_TRUE(ConnectsAs(kOther, {kOther}));
  EXPECT_TRUE(IsRefused());
}

TEST_F(SocketGroup, WithoutOneNoOtherUserIsTaken) {
  if (geteuid() != 0) GTEST_SKIP() << "not root";
  ASSERT_TRUE(clients_.Listen(path_));
  EXPECT_EQ(Mode(), 0600U);
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  EXPECT_TRUE(ConnectsAs(kGroup, {kGroup}));
  EXPECT_TRUE(IsRefused());
}

}  // namespace
}  // namespace keymast::server
