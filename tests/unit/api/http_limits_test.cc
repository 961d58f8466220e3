// SPDX-License-Identifier: Apache-2.0
// What clients of the HTTP pages can not make the server hold.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "api/http.h"
#include "api/http_responder.h"
#include "api/sockets.h"
#include "fake_core.h"

namespace keymast::api {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kScrape = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kHalf = "GET /metrics HTTP/1.1\r\nHost: x\r\n";

class HttpLimits : public testing::Test {
 protected:
  void Open(HttpServer::Limits limits) {
    auto opened = HttpServer::Open(
        "127.0.0.1:0", {[this] { return page_(); }, [] { return std::vector<std::string>(); }},
        counters_, limits);
    ASSERT_TRUE(opened) << opened.error().message;
    server_ = std::move(*opened);
  }

  Descriptor Connect(const std::string& says) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_TRUE(Say(socket, says));
    return socket;
  }
  static bool Say(const Descriptor& socket, const std::string& octets) {
    return send(socket.get(), octets.data(), octets.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(octets.size());
  }
  // Everything until the server closes; the test would time out if it never did.
  static std::string Hear(const Descriptor& socket) {
    std::string all;
    char part[4096];
    ssize_t got = 0;
    while ((got = recv(socket.get(), part, sizeof part, 0)) > 0) {
      all.append(part, static_cast<size_t>(got));
    }
    return all;
  }
  std::string Scrape() const { return Hear(Connect(kScrape)); }

  std::function<std::string()> page_ = [] { return std::string("the page\n"); };
  HttpCounters counters_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpLimits, ALineWithoutEndIsRefusedAtTheBound) {
  Open({.head = 8 << 10, .patience = hours(1), .connections = 4});
  const Descriptor endless = Connect("GET / HTTP/1.1\r\nX: " + std::string(8 << 10, 'A'));
  EXPECT_THAT(Hear(endless), testing::AnyOf("", StartsWith("HTTP/1.1 431 ")));
  EXPECT_EQ(counters_.too_long, 1U);
  EXPECT_THAT(Scrape(), EndsWith("the page\n"));
}

TEST_F(HttpLimits, AHeadAtTheBoundIsAnswered) {
  Open({.head = 1024, .patience = hours(1), .connections = 4});
  std::string head = "GET /livez HTTP/1.1\r\nX: ";
  head += std::string(1024 - head.size() - 4, 'A') + "\r\n\r\n";
  EXPECT_THAT(Hear(Connect(head)), EndsWith("alive\n"));
}

// More slow clients than there may be connections, all of which would wait for an hour.
TEST_F(HttpLimits, SlowClientsMakeRoomForOneThatAsks) {
  Open({.head = 8 << 10, .patience = hours(1), .connections = 16});
  std::vector<Descriptor> slow;
  for (int i = 0; i < 100; ++i) slow.push_back(Connect(kHalf));
  EXPECT_THAT(Scrape(), EndsWith("the page\n"));
  EXPECT_THAT(Hear(Connect("GET /livez HTTP/1.1\r\n\r\n")), EndsWith("alive\n"));
  EXPECT_THAT(Hear(Connect("GET /readyz HTTP/1.1\r\n\r\n")), EndsWith("ready\n"));
  EXPECT_GE(counters_.crowded, 84U);
}

TEST_F(HttpLimits, AClientThatDripsIsEndedByTheTimeOfTheWholeRequest) {
  Open({.head = 8 << 10, .patience = milliseconds(200), .connections = 16});
  const Descriptor dripping = Connect(kHalf);
  // Each octet would begin a new time if the time were that of a read.
  EXPECT_TRUE(Eventually([&] { return !Say(dripping, "X"); }));
  EXPECT_EQ(counters_.too_slow, 1U);
}

TEST_F(HttpLimits, AClientThatDoesNotReadIsEnded) {
  page_ = [] { return std::string(64 << 20, 'x'); };
  Open({.head = 8 << 10, .patience = milliseconds(500), .connections = 16});
  const Descriptor deaf = Connect(kScrape);
  EXPECT_TRUE(Eventually([&] { return counters_.too_slow == 1; }));
}

TEST_F(HttpLimits, HealthDoesNotWaitForTheMetricsPageAndOnePageServesAll) {
  std::promise<void> go;
  std::atomic<int> made = 0;
  page_ = [&made, wait = go.get_future().share()] {
    wait.wait();
    return "page " + std::to_string(++made) + "\n";
  };
  Open({.head = 8 << 10, .patience = hours(1), .connections = 64});
  std::vector<Descriptor> scrapes;
  for (int i = 0; i < 32; ++i) scrapes.push_back(Connect(kScrape));
  EXPECT_THAT(Hear(Connect("GET /livez HTTP/1.1\r\n\r\n")), EndsWith("alive\n"));
  go.set_value();
  for (const Descriptor& scrape : scrapes) EXPECT_THAT(Hear(scrape), HasSubstr("page "));
  EXPECT_LE(made, 2) << "the first had begun, the second is for all others";
}

TEST_F(HttpLimits, WhatIsNoRequestIsRefused) {
  Open({});
  for (const char* head : {"\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"}) {
    EXPECT_THAT(Hear(Connect(head)), StartsWith("HTTP/1.1 400 ")) << head;
  }
  EXPECT_THAT(Hear(Connect("GET /elsewhere HTTP/1.1\r\n\r\n")), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Hear(Connect("POST /metrics HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789")),
              testing::AnyOf(StartsWith("HTTP/1.1 4"), ""));
}

TEST(HttpResponder, APageIsSentWholeWhateverRangesAreAskedFor) {
  HttpResponder responder({[] { return ""; }, [] { return std::vector<std::string>(); }});
  const std::string page(1000, 'x');
  std::string head = "GET /metrics HTTP/1.1\r\nRange: bytes=0-";
  for (int i = 0; i < 1000; ++i) head += ",0-";
  EXPECT_FALSE(responder.Answer(head + "\r\n\r\n", nullptr)) << "the page is needed";
  const auto answer = responder.Answer(head + "\r\n\r\n", &page);
  ASSERT_TRUE(answer);
  EXPECT_THAT(*answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_LT(answer->size(), 2 * page.size());
}

}  // namespace
}  // namespace keymast::api
