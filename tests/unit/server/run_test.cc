// SPDX-License-Identifier: Apache-2.0
// `keymastd run` from a fresh init to a clean stop and back, on the real store.
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "crypto/primitives.h"
#include "server/core_client.h"
#include "server/program.h"

namespace keymast::server {
namespace {

class RunTest : public testing::Test {
 protected:
  RunTest() {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    config_.identity = "bmsc@example.org";
    config_.data = folder_ + "/data";
    config_.witness = folder_ + "/witness";
    config_.master_key.file = folder_ + "/master.key";
    config_.socket = folder_ + "/run/core.sock";
    config_.mikey_listen = *ParseAddress("127.0.0.1");  // any port
    testing::internal::CaptureStdout();
    EXPECT_TRUE(Init(config_));
    testing::internal::GetCapturedStdout();
  }
  ~RunTest() override { std::filesystem::remove_all(folder_); }

  // Serve runs keymastd in a thread of its own while `use` talks to it; then it is told to stop.
  tl::expected<void, Failure> Serve(const std::function<void(CoreClient&)>& use) {
    std::array<int, 2> termination{};
    EXPECT_EQ(pipe(termination.data()), 0);
    tl::expected<void, Failure> served;
    std::atomic<bool> over = false;
    std::thread keymastd([&] {
      served = server::Run(config_, {termination[0], -1});
      over = true;
    });
    auto client = CoreClient::Connect(config_.socket);
    while (!client && !over) {
      std::this_thread::yield();
      client = CoreClient::Connect(config_.socket);
    }
    if (client) use(*client);
    EXPECT_EQ(write(termination[1], "x", 1), 1);
    keymastd.join();
    close(termination[0]);
    close(termination[1]);
    return served;
  }
  static v1::ServerStatus StatusOf(CoreClient& client) {
    core::CoreRequest request;
    request.mutable_get_server_status();
    const auto reply = client.Call(std::move(request));
    EXPECT_TRUE(reply && reply->has_server_status());
    return reply ? reply->server_status() : v1::ServerStatus();
  }
  static std::string HashOf(CoreClient& client) {
    core::CoreRequest request;
    request.mutable_state_hash();
    return client.Call(std::move(request)).value_or(core::CoreReply()).state_hash().hash();
  }
  static bool Create(CoreClient& client, const std::string& id) {
    core::CoreRequest request;
    auto& create = *request.mutable_create_headend();
    create.set_headend_id(id);
    crypto::SeededRng rng(1);
    const crypto::KeyPair key = crypto::MakeKeyPair(rng);
    create.mutable_headend()->set_public_key(std::string(AsText(key.public_key)));
    const auto reply = client.Call(std::move(request));
    return reply && reply->has_headend();
  }

  std::string folder_ = "/tmp/keymast-run-XXXXXX";
  ServerConfig config_;
};

TEST_F(RunTest, WhatWasAnsweredIsThereAfterAStop) {
  v1::ServerStatus before;
  std::string hash;
  const auto first = Serve([&](CoreClient& client) {
    EXPECT_TRUE(Create(client, "north"));
    before = StatusOf(client);
    hash = HashOf(client);
  });
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(std::filesystem::exists(config_.socket));
  const auto second = Serve([&](CoreClient& client) {
    EXPECT_EQ(HashOf(client), hash);
    EXPECT_FALSE(Create(client, "north"));  // it is there
    const v1::ServerStatus after = StatusOf(client);
    EXPECT_EQ(after.possibly_lost_commits(), 0U) << "the stop was a clean one";
    EXPECT_EQ(after.incarnation(), before.incarnation());
    EXPECT_GT(after.epoch(), before.epoch());
    EXPECT_GE(after.revision(), before.revision());
    EXPECT_EQ(after.import_public_key(), before.import_public_key());
  });
  ASSERT_TRUE(second) << second.error().message;
}

TEST_F(RunTest, WithoutAWitnessNobodyKnowsHowMuchIsLost) {
  std::filesystem::remove(config_.witness);
  config_.accept_rollback = true;
  testing::internal::CaptureStderr();
  const auto served = Serve([&](CoreClient& client) {
    EXPECT_TRUE(StatusOf(client).possibly_lost_commits_unknown());
    EXPECT_EQ(StatusOf(client).possibly_lost_commits(), 0U);
  });
  const std::string log = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(served) << served.error().message;
  EXPECT_NE(log.find(R"("possibly_lost_commits":"unknown")"), std::string::npos) << log;
  config_.accept_rollback = false;
  EXPECT_TRUE(Serve(
      [&](CoreClient& client) { EXPECT_FALSE(StatusOf(client).possibly_lost_commits_unknown()); }));
}

TEST_F(RunTest, ASecondKeymastdIsTold) {
  const auto first = Serve([&](CoreClient& client) {
    const auto second = server::Run(config_, {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().error, Error::kInUse) << second.error().message;
    EXPECT_TRUE(Create(client, "north"));  // the first goes on
  });
  EXPECT_TRUE(first) << first.error().message;
}

TEST_F(RunTest, TheSocketGoesToItsGroup) {
  config_.socket_group = getgrgid(getegid())->gr_name;
  const auto served = Serve([&](CoreClient& client) {
    struct stat about {};
    EXPECT_EQ(stat(config_.socket.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0660U);
    EXPECT_EQ(about.st_gid, getegid());
    EXPECT_FALSE(HashOf(client).empty());
  });
  EXPECT_TRUE(served) << served.error().message;
  config_.socket_group = "no such group";
  const auto refused = server::Run(config_, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "socket_group: there is no group \"no such group\"");
}

TEST_F(RunTest, WhatCannotBeOpenedIsNamed) {
  config_.mikey_listen = *ParseEndpoint("192.0.2.1:2269");  // of no interface here
  const auto served = server::Run(config_, {});
  ASSERT_FALSE(served);
  EXPECT_EQ(served.error().message,
            "mikey_listen 192.0.2.1:2269: no interface of this host has this address; give one of "
            "`ip address`");
}

TEST_F(RunTest, WhatCannotBeOpenedIsNamedWithItsPlaceInTheFile) {
  config_.record = folder_ + "/absent/record";
  config_.record_place = "k.toml:7:10: ";
  const auto served = server::Run(config_, {});
  ASSERT_FALSE(served);
  EXPECT_EQ(served.error().message,
            "k.toml:7:10: record " + config_.record +
                ": cannot be opened or written to; its folder must be there and keymastd may write "
                "to it");
}

// Whoever can write there could answer keymast-api in our place.
TEST_F(RunTest, AFolderOfSomebodyElseIsNoPlaceForTheSocket) {
  const std::string folder = folder_ + "/run";
  const auto refusal = [&] {
    const auto served = server::Run(config_, {});
    EXPECT_FALSE(served);
    return served ? std::string() : served.error().message;
  };
  std::filesystem::create_directory(folder);
  ASSERT_EQ(chmod(folder.c_str(), 01777), 0);
  const std::string message = "socket " + config_.socket +
                              ": its folder belongs to another user, or others may write to it; "
                              "they could put a socket of theirs there";
  EXPECT_EQ(refusal(), message);
  ASSERT_EQ(chmod(folder.c_str(), 0755), 0);
  if (chown(folder.c_str(), 12345, 12345) == 0) {
    EXPECT_EQ(refusal(), message);
  }
  ASSERT_EQ(chown(folder.c_str(), geteuid(), getegid()), 0);
  EXPECT_TRUE(Serve([](CoreClient&) {}));
}

TEST_F(RunTest, ASocketThatCannotBeMadeIsNamed) {
  config_.socket = "/proc/none/core.sock";
  const auto served = server::Run(config_, {});
  ASSERT_FALSE(served);
  EXPECT_EQ(served.error().message,
            "socket /proc/none/core.sock: cannot be made; keymastd must be able to make files in "
            "its folder");
}

}  // namespace
}  // namespace keymast::server
