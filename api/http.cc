// SPDX-License-Identifier: Apache-2.0
#include "api/http.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <span>
#include <thread>
#include <vector>

#include "api/http_responder.h"
#include "api/page_maker.h"
#include "api/sockets.h"
#include "base/check.h"

namespace keymast::api {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::string_view kTooLong =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n"
    "Content-Length: 0\r\n\r\n";
constexpr int kAcceptedATurn = 32;
constexpr Duration kWithoutDescriptors = std::chrono::milliseconds(100);

struct Connection {
  enum class State { kReading, kWaiting, kWriting, kOver };
  Descriptor socket;
  Steady::time_point until;
  State state = State::kReading;
  std::string head;
  uint64_t page = 0;  // kWaiting: number of the page that it may have
  std::string output;
  size_t written = 0;
};

Failure CannotListen(const std::string& listen, Error error) {
  if (error == Error::kMalformed) {
    return {Error::kInvalidArgument,
            "http_listen: \"" + listen + "\" is not an address and port, as 127.0.0.1:9469",
            {},
            {},
            0};
  }
  std::string message = "cannot listen on " + listen + " for HTTP (http_listen)";
  if (error == Error::kInUse) message += ": another program has this port";
  if (error == Error::kNoInterface) message += ": no interface of this host has this address";
  return {error, std::move(message), {}, {}, 0};
}

}  // namespace

// One thread serves all connections, so that none of them can hold anything but itself.
struct HttpServer::Impl {
  Impl(Descriptor socket, HttpPages pages, HttpCounters& counts, Limits given)
      : limits(given),
        counters(counts),
        listener(std::move(socket)),
        woken(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
        responder(pages),
        maker(std::move(pages.metrics), [this] { Wake(); }),
        thread([this] { Run(); }) {}
  ~Impl() {
    stopping = true;
    Wake();
    thread.join();
  }

  void Wake() {
    const uint64_t one = 1;
    KEYMAST_CHECK(write(woken.get(), &one, sizeof one) == sizeof one || errno == EAGAIN);
  }

  void Run() {
    while (!stopping) {
      Wait();
      uint64_t wakes = 0;
      while (read(woken.get(), &wakes, sizeof wakes) > 0) {
      }
      AcceptSome();
      const auto page = maker.Take();
      for (Connection& connection : connections) Go(connection, page ? &*page : nullptr);
      const auto now = Steady::now();
      for (Connection& connection : connections) {
        if (connection.state == Connection::State::kOver || connection.until > now) continue;
        ++counters.too_slow;
        connection.state = Connection::State::kOver;
      }
      connections.remove_if(
          [](const Connection& one) { return one.state == Connection::State::kOver; });
    }
  }

  void Wait() const {
    std::vector<pollfd> ready = {{woken.get(), POLLIN, 0}};
    // Without a descriptor to spare the listener stays readable: it is asked again a little later.
    if (!exhausted) ready.push_back({listener.get(), POLLIN, 0});
    for (const Connection& connection : connections) {
      if (connection.state == Connection::State::kWaiting) continue;  // the maker wakes
      const bool reading = connection.state == Connection::State::kReading;
      ready.push_back({connection.socket.get(), static_cast<short>(reading ? POLLIN : POLLOUT), 0});
    }
    Duration left = exhausted ? kWithoutDescriptors : Duration::max();
    if (!connections.empty()) {
      left = std::min<Duration>(left, connections.front().until - Steady::now());
    }
    const auto millis = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    poll(ready.data(), ready.size(),
         left == Duration::max() ? -1 : static_cast<int>(std::max<int64_t>(millis, 0)));
  }

  void AcceptSome() {
    for (int i = 0; i < kAcceptedATurn; ++i) {
      auto socket = Accept(listener);
      exhausted = !socket && socket.error() == Error::kNoBufferSpace;
      if (!socket) return;
      if (connections.size() >= limits.connections) MakeRoom();
      connections.emplace_back().socket = std::move(*socket);
      connections.back().until = Steady::now() + limits.patience;
      // Most requests are there already: who speaks at once is never the one that makes room.
      Read(connections.back());
    }
  }

  // The oldest that has not asked for anything yet makes room; the oldest of all if every one has.
  void MakeRoom() {
    auto oldest = std::find_if(connections.begin(), connections.end(), [](const Connection& one) {
      return one.state == Connection::State::kReading;
    });
    if (oldest == connections.end()) oldest = connections.begin();
    if (oldest->state != Connection::State::kOver) ++counters.crowded;
    connections.erase(oldest);
  }

  void Go(Connection& connection, const PageMaker::Page* page) {
    if (connection.state == Connection::State::kReading) Read(connection);
    const bool made = page != nullptr && page->number >= connection.page;
    if (connection.state == Connection::State::kWaiting && made) Answer(connection, &page->text);
    if (connection.state == Connection::State::kWriting) Write(connection);
  }

  void Read(Connection& connection) {
    std::string& head = connection.head;
    const size_t had = head.size();
    head.resize(limits.head);
    const auto room = std::span(head).subspan(had);
    const ssize_t got = recv(connection.socket.get(), room.data(), room.size(), 0);
    head.resize(had + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      connection.state = Connection::State::kOver;
      return;
    }
    const size_t end = head.find(kEndOfHead);
    if (end != std::string::npos) {
      head.resize(end + kEndOfHead.size());
      return Answer(connection, nullptr);
    }
    if (head.size() < limits.head) return;
    ++counters.too_long;
    connection.output = kTooLong;
    connection.state = Connection::State::kWriting;
  }

  void Answer(Connection& connection, const std::string* metrics) {
    auto answer = responder.Answer(connection.head, metrics);
    if (answer) {
      connection.output = std::move(*answer);
      connection.state = Connection::State::kWriting;
    } else {
      connection.page = maker.Want();
      connection.state = Connection::State::kWaiting;
    }
  }

  static void Write(Connection& connection) {
    const std::string_view left = std::string_view(connection.output).substr(connection.written);
    const ssize_t sent = send(connection.socket.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (sent > 0) connection.written += static_cast<size_t>(sent);
    if (sent < 0 || connection.written == connection.output.size()) {
      connection.state = Connection::State::kOver;
    }
  }

  const Limits limits;
  HttpCounters& counters;
  const Descriptor listener;
  const Descriptor woken;
  std::atomic<bool> stopping = false;
  bool exhausted = false;
  std::list<Connection> connections;  // oldest first
  HttpResponder responder;
  PageMaker maker;
  std::thread thread;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

int HttpServer::port() const { return PortOf(impl_->listener); }

tl::expected<std::unique_ptr<HttpServer>, Failure> HttpServer::Open(const std::string& listen,
                                                                    HttpPages pages,
                                                                    HttpCounters& counters,
                                                                    Limits limits) {
  auto listener = ListenTcp(listen);
  if (!listener) return tl::unexpected(CannotListen(listen, listener.error()));
  auto impl = std::make_unique<Impl>(std::move(*listener), std::move(pages), counters, limits);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

}  // namespace keymast::api
