// SPDX-License-Identifier: Apache-2.0
// Shares of connections, and what is noticed of a listener that nobody can reach any more.
#include "api/acceptor.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "api/shares.h"
#include "fake_core.h"

namespace keymast::api {
namespace {

class AcceptorTest : public testing::Test {
 protected:
  // Two listeners of two connections each; what they are handed is kept open in `taken_`.
  void Open() {
    std::vector<Acceptor::Listener> listeners;
    for (const char* name : {"a", "b"}) {
      auto socket = ListenUnix(folder_ / name, 0660);
      ASSERT_TRUE(socket);
      listeners.push_back({name, std::move(*socket), folder_ / name, 2, [this](Descriptor fd) {
                             const std::lock_guard lock(mutex_);
                             taken_.push_back(std::move(fd));
                           }});
    }
    acceptor_.emplace(std::move(listeners));
  }
  Descriptor Connect(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_ / name;
    std::copy(path.begin(), path.end(), address.sun_path);
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return socket;
  }
  static bool IsClosed(const Descriptor& socket) {
    char octet = 0;
    return recv(socket.get(), &octet, 1, 0) == 0;
  }
  Acceptor::Count CountOf(const std::string& name) {
    for (const Acceptor::Count& count : acceptor_->Counts()) {
      if (count.name == name) return count;
    }
    return {};
  }

  TestFolder folder_;
  std::mutex mutex_;
  std::vector<Descriptor> taken_;
  std::optional<Acceptor> acceptor_;
};

TEST_F(AcceptorTest, AFullListenerRefusesAndLeavesTheOtherAlone) {
  Open();
  std::vector<Descriptor> kept;
  for (int i = 0; i < 2; ++i) kept.push_back(Connect("a"));
  ASSERT_TRUE(Eventually([&] { return CountOf("a").open == 2; }));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(IsClosed(Connect("a")));
  EXPECT_EQ(CountOf("a").refused, 3U);
  for (int i = 0; i < 2; ++i) kept.push_back(Connect("b"));
  EXPECT_TRUE(Eventually([&] { return CountOf("b").open == 2; }));
  EXPECT_EQ(CountOf("b").refused, 0U);
}

TEST_F(AcceptorTest, WhatIsClosedElsewhereCountsNoLonger) {
  Open();
  std::vector<Descriptor> kept;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 2; ++i) kept.push_back(Connect("a"));
    const auto both = [&] {
      const std::lock_guard lock(mutex_);
      return taken_.size() == 2;
    };
    ASSERT_TRUE(Eventually(both)) << round;
    const std::lock_guard lock(mutex_);
    taken_.clear();  // the next connections get the same descriptors
  }
  EXPECT_EQ(CountOf("a").refused, 0U);
}

TEST_F(AcceptorTest, AListenerWithoutItsFileIsNoticed) {
  Open();
  EXPECT_TRUE(acceptor_->Listening());
  std::filesystem::remove(folder_ / "b");
  EXPECT_FALSE(acceptor_->Listening());
  const auto another = ListenUnix(folder_ / "b", 0660);
  EXPECT_FALSE(acceptor_->Listening());
  acceptor_->Stop();
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "b")) << "that is somebody else's";
}

TEST(ListenUnix, APathThatDoesNotFitIsRefused) {
  EXPECT_EQ(ListenUnix("/tmp/" + std::string(103, 'x'), 0660).error(), Error::kTooLong);
}

TEST(Shares, NeverExceedTheDescriptors) {
  for (const uint64_t descriptors : {64U, 256U, 512U, 1024U, 1536U, 524288U}) {
    const ConnectionShares shares = SharesOf(descriptors);
    const ConnectionShares more = SharesOf(descriptors, 3);
    EXPECT_LE(std::accumulate(more.sockets.begin(), more.sockets.end(), more.tls) + 3 * more.extra,
              descriptors);
    const size_t sum = std::accumulate(shares.sockets.begin(), shares.sockets.end(), shares.tls);
    EXPECT_LT(sum, descriptors);
    EXPECT_GE(shares.of(Role::kOperator), 1U) << descriptors;
  }
  EXPECT_EQ(SharesOf(kWantedDescriptors).of(Role::kOperator), 64U);
  EXPECT_EQ(SharesOf(1 << 20).tls, SharesOf(kWantedDescriptors).tls);
}

}  // namespace
}  // namespace keymast::api
