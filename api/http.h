// SPDX-License-Identifier: Apache-2.0
// Metrics and health over HTTP: /metrics, /livez, /readyz.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace keymast::api {

// HttpPages says what the pages show. `metrics` may take a while; the others answer at once.
struct HttpPages {
  std::function<std::string()> metrics;
  // Why it is not ready; nothing when it is.
  std::function<std::vector<std::string>()> not_ready;
  std::function<bool()> alive = [] { return true; };
};

// HttpCounters are connections that were ended without an answer to a request; every field only
// rises.
struct HttpCounters {
  std::atomic<uint64_t> too_long{0};  // more octets before the end of the head than may be
  std::atomic<uint64_t> too_slow{0};  // not done within the time that a connection has
  std::atomic<uint64_t> crowded{0};   // the oldest made room for a new one
};

// HttpServer serves until it is destroyed, one request a connection. What clients can make it hold
// is bounded: octets of a request's head, the time from accepting a connection to the end of the
// answer, and connections, of which the longest without a whole request makes room for a new one.
class HttpServer {
 public:
  struct Limits {
    size_t head = 8 << 10;
    Duration patience = std::chrono::seconds(5);
    size_t connections = 128;
  };
  // `listen` is an address and port as in configuration; port 0 takes a free one. `counters`
  // outlive the server. kInvalidArgument, kInUse, kNoInterface, kIo.
  static tl::expected<std::unique_ptr<HttpServer>, Failure> Open(const std::string& listen,
                                                                 HttpPages pages,
                                                                 HttpCounters& counters,
                                                                 Limits limits);
  static tl::expected<std::unique_ptr<HttpServer>, Failure> Open(const std::string& listen,
                                                                 HttpPages pages,
                                                                 HttpCounters& counters) {
    return Open(listen, std::move(pages), counters, Limits());
  }
  ~HttpServer();
  int port() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keymast::api
