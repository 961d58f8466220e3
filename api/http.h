// SPDX-License-Identifier: Apache-2.0
// Metrics and health over HTTP: /metrics, /livez, /readyz.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"

namespace keymast::api {

struct HttpPages {
  std::function<std::string()> metrics;
  std::function<bool()> ready;
};

// HttpServer serves until it is destroyed. A client that dawdles is cut off after a second, and at
// most a few dozen connections wait to be served: the rest stays in the kernel's backlog.
class HttpServer {
 public:
  // `listen` is an address and port as in configuration; port 0 takes a free one. kInUse.
  static tl::expected<std::unique_ptr<HttpServer>, Failure> Open(const std::string& listen,
                                                                 HttpPages pages);
  ~HttpServer();
  int port() const;

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keymast::api
