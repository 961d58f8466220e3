// SPDX-License-Identifier: Apache-2.0
// The private socket: whoever is at the other end, the server stays, and its memory is bounded.
#include "server/clients.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>

#include "served.h"

namespace keymast::server {
namespace {

const char kStatus[] = "get_server_status {}";

class ClientsTest : public Served {
 protected:
  std::string path() const { return folder_ + "/core.sock"; }
  const Clients::Counters& counters() const { return server_.clients().counters(); }
  void SendOctets(CoreClient& client, std::string_view octets) {
    ASSERT_EQ(send(client.fd(), octets.data(), octets.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(octets.size()));
  }
  // Open connects without a Hello.
  int Open() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  bool IsOver(int fd) {
    return Until([&] {
      Turn();
      std::array<char, 256> octets{};
      ssize_t count = 1;
      while (count > 0) count = recv(fd, octets.data(), octets.size(), MSG_DONTWAIT);
      return count == 0;
    });
  }
};

TEST_F(ClientsTest, TheSocketIsForItsOwnerAlone) {
  struct stat about {};
  ASSERT_EQ(stat(path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
}

TEST_F(ClientsTest, AFrameThatComesInPiecesIsOne) {
  std::string frame;
  core::CoreRequest request = Ask(kStatus);
  request.set_call(9);
  ASSERT_TRUE(framing::AppendFrame(request, frame));
  for (const char octet : frame) {
    EXPECT_TRUE(Quiet(client_));
    SendOctets(client_, {&octet, 1});
  }
  EXPECT_EQ(Next(client_).call(), 9U);
}

TEST_F(ClientsTest, ManyFramesInOnePieceAreMany) {
  std::string frames;
  for (uint64_t call = 1; call <= 200; ++call) {
    core::CoreRequest request = Ask(kStatus);
    request.set_call(call);
    ASSERT_TRUE(framing::AppendFrame(request, frames));
  }
  SendOctets(client_, frames);
  for (uint64_t call = 1; call <= 200; ++call) EXPECT_EQ(Next(client_).call(), call);
}

// One client's requests are all there is in these turns of the loop.
TEST_F(ClientsTest, RequestsDoNotDelayWhatIsDue) {
  MakeChannel("news");
  port_.sent.clear();
  Send(client_, Ask(kStatus));
  clock_.now = std::max(clock_.now, server_.shard().NextDeadline());
  loop_.Turn();
  EXPECT_GE(port_.Mtks("news"), 1U);
}

TEST_F(ClientsTest, CostlyRequestsDoNotDelayCommits) {
  const size_t turns = port_.flushes;
  std::string frames;
  for (int i = 0; i < 8; ++i) framing::AppendFrame(Ask(kStatus), frames);
  SendOctets(client_, frames);
  clock_.per_look = milliseconds(2);
  loop_.Turn();
  clock_.per_look = {};
  EXPECT_GE(port_.flushes, turns + 2);
}

TEST_F(ClientsTest, WithoutADescriptorLeftAConnectionIsRefusedInsteadOfWaiting) {
  const int fd = Open();
  const int next = dup(fd);
  close(next);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit tight{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  loop_.Turn();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(counters().refused_peers, 1U);
  EXPECT_TRUE(IsOver(fd));
  close(fd);
  CoreClient later = Connect();
  EXPECT_TRUE(Call(later, Ask(kStatus)).has_server_status());
}

TEST_F(ClientsTest, TheLongestFrameIsTakenAndALongerOneEndsTheConnection) {
  core::CoreRequest longest = Ask(kStatus);
  longest.set_call(1);
  longest.set_principal(std::string(framing::kMaxFrame - longest.ByteSizeLong() - 4, 'x'));
  ASSERT_EQ(longest.ByteSizeLong(), framing::kMaxFrame);
  EXPECT_TRUE(Call(longest).has_server_status());

  CoreClient other = Connect();
  const std::array<char, 4> length{0, 0x10, 0, 1};
  SendOctets(other, {length.data(), length.size()});
  EXPECT_TRUE(Closed(other));
  EXPECT_EQ(counters().protocol_errors, 1U);
  EXPECT_TRUE(Call(kStatus).has_server_status());
}

TEST_F(ClientsTest, WhatIsNoRequestEndsTheConnection) {
  SendOctets(client_, std::string("\0\0\0\2\xff\xff", 6));
  EXPECT_TRUE(Closed(client_));
  EXPECT_EQ(counters().protocol_errors, 1U);
}

TEST_F(ClientsTest, HelloComesFirstAndInOurVersion) {
  for (const char* first : {kStatus, "hello { protocol: 2 }"}) {
    const int fd = Open();
    std::string frame;
    ASSERT_TRUE(framing::AppendFrame(Ask(first), frame));
    ASSERT_EQ(send(fd, frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
    EXPECT_TRUE(IsOver(fd));
    close(fd);
  }
  EXPECT_EQ(counters().protocol_errors, 2U);
}

TEST_F(ClientsTest, TheNumberOfConnectionsIsLimited) {
  std::vector<int> fds;
  for (int i = 0; i < 63; ++i) {  // one is there
    fds.push_back(Open());
    Turn();
  }
  const int one_more = Open();
  EXPECT_TRUE(IsOver(one_more));
  EXPECT_EQ(counters().refused_peers, 1U);
  close(one_more);
  close(fds.back());
  fds.pop_back();
  Turn();
  CoreClient instead = Connect();
  EXPECT_TRUE(Call(instead, Ask(kStatus)).has_server_status());
  for (const int fd : fds) close(fd);
}

TEST_F(ClientsTest, ManyClientsAreServedTogether) {
  std::vector<CoreClient> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(Connect());
  for (CoreClient& client : clients) Send(client, Ask(kStatus));
  for (CoreClient& client : clients) EXPECT_TRUE(Next(client).has_server_status());
}

// It asks and never reads: its requests are left unread, others are served, and when it reads after
// all it has every answer.
TEST_F(ClientsTest, AClientThatDoesNotReadIsAskedForNoMore) {
  Must(NewSubscribers(1000));
  CoreClient silent = Connect();
  const int flags = fcntl(silent.fd(), F_GETFL);
  ASSERT_EQ(fcntl(silent.fd(), F_SETFL, flags | O_NONBLOCK), 0);
  std::string frame;
  ASSERT_TRUE(framing::AppendFrame(Ask("list_subscribers { page_size: 1000 }"), frame));
  uint64_t asked = 0;
  // A frame goes whole or not at all until the last, which the socket cuts.
  size_t left = 0;
  for (int turns = 0; turns < 50; ++turns) {
    ssize_t sent = 0;
    while (left == 0 && (sent = send(silent.fd(), frame.data(), frame.size(), MSG_NOSIGNAL)) > 0) {
      ++asked;
      left = frame.size() - static_cast<size_t>(sent);
    }
    Turn();
  }
  EXPECT_TRUE(Call(kStatus).has_server_status());
  EXPECT_EQ(counters().dropped_for_slowness, 0U);
  const Clients::Limits limits;
  for (ClientId id = 1; id <= 3; ++id) {
    EXPECT_LE(server_.clients().Backlog(id), limits.pause + framing::kMaxFrame);
  }
  if (left > 0) --asked;
  for (uint64_t i = 0; i < asked; ++i) ASSERT_TRUE(Next(silent).has_list_subscribers()) << i;
}

TEST_F(ClientsTest, AnAnswerForAClientThatLeftReachesNobodyElse) {
  store_.Gate(true);
  CoreClient leaver = Connect();
  Send(leaver, NewSubscriber("ada"));
  Turn();
  store_.WaitForCommit();
  leaver = Connect();  // the first connection ends
  Turn();
  Settle();
  EXPECT_TRUE(Quiet(leaver));
  EXPECT_EQ(StatusOf().subscriber_count(), 1U);
}

TEST_F(ClientsTest, AnUnknownRequestIsRefused) {
  EXPECT_EQ(Refused(core::CoreRequest()).reason(), "unimplemented");
  EXPECT_EQ(Refused("hello { protocol: 1 }").reason(), "unimplemented");
}

class ListenTest : public testing::Test {
 protected:
  ListenTest() {
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/core.sock";
  }
  ~ListenTest() override {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  std::unique_ptr<Clients> Make() {
    return std::make_unique<Clients>(
        loop_, [](ClientId, core::CoreRequest&) {}, [](ClientId) {});
  }
  std::string folder_ = "/tmp/keymast-listen-XXXXXX";
  std::string path_;
  shell::SystemClock clock_;
  Loop loop_{clock_};
};

// Answers to what was asked before, and those that waited for the disk, may come to more than is
// kept for a client.
TEST_F(ListenTest, AClientBeyondTheBoundIsDropped) {
  std::vector<ClientId> closed;
  Clients clients(
      loop_, [](ClientId, core::CoreRequest&) {}, [&](ClientId id) { closed.push_back(id); },
      {.connections = 1, .pause = 1 << 10, .output = 1 << 12});
  ASSERT_TRUE(clients.Listen(path_));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  loop_.Turn();
  clients.SendFrame(1, std::string(1 << 12, 'x'));
  EXPECT_EQ(clients.counters().dropped_for_slowness, 0U);
  clients.SendFrame(1, "y");
  EXPECT_EQ(clients.counters().dropped_for_slowness, 1U);
  loop_.Turn();
  EXPECT_THAT(closed, testing::ElementsAre(1U));
  close(fd);
}

TEST_F(ListenTest, OneAtATime) {
  const auto first = Make();
  EXPECT_TRUE(first->Listen(path_));
  EXPECT_EQ(Make()->Listen(path_).error(), Error::kInUse);
}

TEST_F(ListenTest, ASocketThatNobodyListensOnIsTakenOver) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  close(fd);  // as after a kill
  const auto clients = Make();
  EXPECT_TRUE(clients->Listen(path_));
  clients->Stop();
  EXPECT_NE(access(path_.c_str(), F_OK), 0);
}

TEST_F(ListenTest, AFileThatIsNoSocketIsLeftAlone) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(Make()->Listen(path_).error(), Error::kInUse);
  std::string text;
  std::ifstream(path_) >> text;
  EXPECT_EQ(text, "precious");
}

TEST_F(ListenTest, PathsThatCannotBe) {
  EXPECT_EQ(Make()->Listen("").error(), Error::kTooLong);
  EXPECT_EQ(Make()->Listen(std::string(200, 'x')).error(), Error::kTooLong);
  EXPECT_EQ(Make()->Listen(folder_ + "/none/core.sock").error(), Error::kIo);
}

}  // namespace
}  // namespace keymast::server
