// SPDX-License-Identifier: Apache-2.0
// The gRPC listeners: a Unix socket file per role, and TCP with mTLS where configured.
#pragma once

#include <memory>
#include <vector>

#include "api/config.h"
#include "api/gate.h"

namespace keymast::api {

class Listeners {
 public:
  // Open binds every listener or none. The services keep `gate` by reference.
  static tl::expected<std::unique_ptr<Listeners>, Failure> Open(const ApiConfig& config,
                                                                Gate& gate);
  ~Listeners();

  // SetServing answers grpc.health.v1 on every listener.
  void SetServing(bool serving);
  // Drain takes no new calls, gives those under way until `timeout`, then cancels them.
  void Drain(Duration timeout);
  // TCP port of the mTLS listener; 0 without one.
  int tls_port() const { return tls_port_; }

 private:
  struct Listener;
  Listeners() = default;
  bool Lock(const std::string& folder);
  Status OpenUnix(const ApiConfig& config, Gate& gate, Role role);
  Status OpenTls(const ApiConfig& config, Gate& gate);

  std::vector<std::unique_ptr<Listener>> listeners_;
  int tls_port_ = 0;
  int lock_ = -1;
};

}  // namespace keymast::api
