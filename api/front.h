// SPDX-License-Identifier: Apache-2.0
// Front is a whole keymast-api in one object: link, listeners, readiness, HTTP.
#pragma once

#include <memory>

#include "api/config.h"
#include "base/error.h"

namespace keymast::api {

class Front {
 public:
  // Open starts everything; it does not wait for keymastd.
  static tl::expected<std::unique_ptr<Front>, Failure> Open(ApiConfig config);
  ~Front();

  // Drain answers NOT_SERVING, refuses new calls, lets those under way finish within the
  // configured time, and stops.
  void Drain();

  bool ready() const;
  int http_port() const;  // 0 without HTTP
  int tls_port() const;   // 0 without TLS

 private:
  struct Impl;
  explicit Front(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keymast::api
