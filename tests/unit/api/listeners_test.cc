// SPDX-License-Identifier: Apache-2.0
// Socket files, health and reflection.
#include "api/listeners.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "api/methods.h"
#include "front_fixture.h"

namespace keymast::api {
namespace {

using grpc::StatusCode;

class ListenersTest : public FrontTest {
 protected:
  // Status of grpc.health.v1: 1 SERVING, 2 NOT_SERVING; 0 when the call failed. Its response has an
  // enum as field 1, and so is read as a message of ours with a number there.
  int Health(Role role, const std::string& service = "") {
    v1::ListChannelsRequest response;
    v1::GetChannelRequest request;  // its field 1 is a text, as the service there
    request.set_name(service);
    const grpc::Status status =
        Call(*Channel(role), "grpc.health.v1.Health/Check", request, &response);
    return status.ok() ? response.page_size() : 0;
  }

  // What the server's first HTTP/2 frame, SETTINGS, says of streams at once; 0: nothing.
  uint32_t StreamsAtOnce(Role role) {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_ / (std::string(RoleName(role)) + ".sock");
    std::copy(path.begin(), path.end(), address.sun_path);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << path;
    const std::string hello("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
    EXPECT_EQ(send(fd, hello.data(), hello.size(), 0), static_cast<ssize_t>(hello.size()));
    uint8_t head[9] = {};
    EXPECT_EQ(recv(fd, head, sizeof head, MSG_WAITALL), 9);
    std::vector<uint8_t> settings(size_t{head[1]} << 8 | head[2]);
    EXPECT_EQ(recv(fd, settings.data(), settings.size(), MSG_WAITALL), ssize_t(settings.size()));
    close(fd);
    constexpr uint8_t kMaxConcurrentStreams = 3;  // RFC 9113 section 6.5.2
    for (size_t at = 0; at + 6 <= settings.size(); at += 6) {
      if (settings[at + 1] != kMaxConcurrentStreams) continue;
      return uint32_t{settings[at + 4]} << 8 | settings[at + 5];
    }
    return 0;
  }

  std::string Reflect(const std::string& octets) {
    grpc::ClientContext context;
    return CallRaw(*Channel(Role::kOperator),
                   "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", octets,
                   &context)
        .second;
  }

  // Whether reflection answers at all.
  bool Reflects() {
    v1::GetChannelRequest empty;
    return Call(*Channel(Role::kOperator),
                "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", empty)
               .error_code() != StatusCode::UNIMPLEMENTED;
  }
};

TEST_F(ListenersTest, SocketFilesAreForOwnerAndGroup) {
  Start();
  for (const Role role : kRoles) {
    struct stat status {};
    const std::string path = folder_ / (std::string(RoleName(role)) + ".sock");
    ASSERT_EQ(stat(path.c_str(), &status), 0) << path;
    EXPECT_TRUE(S_ISSOCK(status.st_mode));
    EXPECT_EQ(status.st_mode & 0777, 0660U) << path;
  }
}

TEST_F(ListenersTest, ASocketFileHasTheGroupOfItsRole) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  config_.socket_groups = {{Role::kViewer, "nogroup"}, {Role::kHeadend, "daemon"}};
  Start();
  const auto group_of = [this](Role role) {
    struct stat status {};
    const std::string path = folder_ / (std::string(RoleName(role)) + ".sock");
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    EXPECT_EQ(status.st_mode & 0777, 0660U) << path;
    return status.st_gid;
  };
  EXPECT_EQ(group_of(Role::kViewer), getgrnam("nogroup")->gr_gid);
  EXPECT_EQ(group_of(Role::kHeadend), getgrnam("daemon")->gr_gid);
  EXPECT_EQ(group_of(Role::kOperator), getegid());
}

TEST_F(ListenersTest, AGroupThatIsNotThereIsTold) {
  config_.socket_groups = {{Role::kAuditor, "no-such-group"}};
  const auto front = Front::Open(config_);
  ASSERT_FALSE(front);
  EXPECT_EQ(front.error().message, "socket_group.auditor: there is no group \"no-such-group\"");
}

TEST_F(ListenersTest, AConnectionHasStreamsByItsListener) {
  Start();
  EXPECT_EQ(StreamsAtOnce(Role::kOperator), 128U);
  EXPECT_EQ(StreamsAtOnce(Role::kViewer), 32U);
  EXPECT_EQ(StreamsAtOnce(Role::kAuditor), 64U);
  EXPECT_EQ(StreamsAtOnce(Role::kHeadend), 4U);
}

TEST_F(ListenersTest, AFileLeftByAKilledProcessIsReplaced) {
  std::ofstream(folder_ / "operator.sock") << "left";
  Start();
  EXPECT_EQ(Health(Role::kOperator), 1);
}

TEST_F(ListenersTest, ASecondProcessOnTheSameSocketsIsRefused) {
  Start();
  const auto second = Front::Open(config_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().error, Error::kInUse);
  EXPECT_EQ(Health(Role::kOperator), 1) << "and the first goes on";
}

TEST_F(ListenersTest, AMissingFolderIsMadeWhenItsParentIsThere) {
  config_.socket_directory = folder_ / "run";
  const auto front = Front::Open(config_);
  ASSERT_TRUE(front) << front.error().message;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run/operator.sock"));
}

TEST_F(ListenersTest, AFolderThatCannotBeMadeIsTold) {
  config_.socket_directory = folder_ / "absent/run";
  const auto front = Front::Open(config_);
  ASSERT_FALSE(front);
  EXPECT_NE(front.error().message.find(config_.socket_directory), std::string::npos);
}

TEST_F(ListenersTest, HealthFollowsTheLinkOnEverySocket) {
  Start();
  for (const Role role : kRoles) EXPECT_EQ(Health(role), 1) << RoleName(role);
  core_.Close();
  for (const Role role : kRoles) {
    EXPECT_TRUE(Eventually([&] { return Health(role) == 2; })) << RoleName(role);
  }
  core_.Open();
  EXPECT_TRUE(Eventually([&] { return Health(Role::kViewer) == 1; }));
}

TEST_F(ListenersTest, HealthIsTheSameForEachService) {
  Start();
  std::set<std::string> services;
  for (const Method& method : Methods()) {
    services.insert(method.descriptor->service()->full_name());
  }
  ASSERT_GT(services.size(), 5U);
  for (const std::string& service : services) EXPECT_EQ(Health(Role::kViewer, service), 1);
  EXPECT_EQ(Health(Role::kViewer, "keymast.v1.Nothing"), 0);
  core_.Close();
  for (const std::string& service : services) {
    EXPECT_TRUE(Eventually([&] { return Health(Role::kViewer, service) == 2; })) << service;
  }
}

TEST_F(ListenersTest, HealthSaysNotServingWithoutACore) {
  core_.Close();
  auto front = Front::Open(config_);
  ASSERT_TRUE(front);
  EXPECT_EQ(Health(Role::kOperator), 2);
}

TEST_F(ListenersTest, ReflectionIsSwitchable) {
  Start();
  EXPECT_TRUE(Reflects());
  front_.reset();
  config_.reflection = false;
  Start();
  EXPECT_FALSE(Reflects());
}

TEST_F(ListenersTest, ReflectionListsEveryServiceAndKnowsItsMethods) {
  Start();
  // A ServerReflectionRequest with list_services (field 7), then one with file_containing_symbol
  // (field 4), hand-written; the answers are searched for names.
  EXPECT_NE(Reflect("\x3a\x01*").find("keymast.v1.Rekeys"), std::string::npos);
  EXPECT_NE(Reflect("\x22\x13keymast.v1.Channels").find("CreateChannel"), std::string::npos);
}

}  // namespace
}  // namespace keymast::api
