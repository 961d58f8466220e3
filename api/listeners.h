// SPDX-License-Identifier: Apache-2.0
// The gRPC listeners: a Unix socket file per role and further ones, and TCP with mTLS where
// configured.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/acceptor.h"
#include "api/config.h"
#include "api/gate.h"
#include "api/shares.h"

namespace keymast::api {

class Listeners {
 public:
  // Open binds every listener or none; each takes as many connections as its share. The services
  // keep `gate` by reference.
  static tl::expected<std::unique_ptr<Listeners>, Failure> Open(const ApiConfig& config, Gate& gate,
                                                                const ConnectionShares& shares);
  ~Listeners();

  // SetServing answers grpc.health.v1 on every listener.
  void SetServing(bool serving);
  // Drain takes no new calls, gives those under way until `timeout`, then cancels them.
  void Drain(Duration timeout);
  // Listening and Counts as Acceptor; from any thread.
  bool Listening() const { return acceptor_->Listening(); }
  std::vector<Acceptor::Count> Counts() { return acceptor_->Counts(); }
  // TCP port of the mTLS listener; 0 without one.
  int tls_port() const { return tls_port_; }

 private:
  struct Listener;
  Listeners() = default;
  tl::expected<void, Failure> Lock(const std::string& folder);
  // SocketFile is one of a role, or one of ApiConfig::sockets.
  struct SocketFile {
    std::string name;
    std::string group;
    std::string group_key;  // of the configuration, for messages
    Rights rights;
    size_t share = 0;
  };
  static std::vector<SocketFile> SocketFiles(const ApiConfig& config,
                                             const ConnectionShares& shares);
  tl::expected<void, Failure> OpenUnix(const ApiConfig& config, Gate& gate, const SocketFile& file);
  tl::expected<void, Failure> OpenTls(const ApiConfig& config, Gate& gate, size_t share);
  // Serve begins a gRPC server that is handed what is accepted on `socket`; `streams` at once a
  // connection.
  bool Serve(Acceptor::Listener socket, int streams,
             std::shared_ptr<grpc::ServerCredentials> credentials, const ApiConfig& config,
             Gate& gate, const Access& access);

  std::map<std::string, Principal> socket_principals_;  // by name of the file
  NamedPrincipals named_principals_;
  std::vector<Acceptor::Listener> sockets_;  // until the acceptor has them
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unique_ptr<Acceptor> acceptor_;
  int tls_port_ = 0;
  int lock_ = -1;
};

}  // namespace keymast::api
