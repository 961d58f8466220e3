// SPDX-License-Identifier: Apache-2.0
// Configuration of keymast-api, from a TOML file: docs/api.md lists the keys.
#pragma once

#include <optional>
#include <string>

#include "api/grants.h"
#include "api/roles.h"
#include "api/shares.h"
#include "api/span_export.h"
#include "base/error.h"
#include "base/time.h"
#include "shell/config.h"
#include "shell/log.h"

#include <map>

namespace keymast::api {

struct TlsConfig {
  std::string listen;       // "127.0.0.1:7443"
  std::string certificate;  // PEM files; read again when they change
  std::string key;
  std::string client_ca;
  std::map<std::string, Rights> names;  // of certificates; others are refused
};

// SocketConfig is a socket file beside those of the roles: NAME.sock in their folder.
struct SocketConfig {
  std::string name;
  std::string group;  // whose the file is; empty: the process's
  Rights rights;
};

struct ApiConfig {
  std::string core_socket;
  std::string socket_directory;               // one socket file per role in it
  std::map<Role, std::string> socket_groups;  // whose the socket files are; others: the process's
  std::map<Role, Rights> socket_rights;       // others: their role for all
  std::vector<SocketConfig> sockets;          // beside those of the roles
  std::string http_listen;                    // empty: no HTTP
  std::optional<TlsConfig> tls;
  std::optional<Collector> collector;  // of spans
  bool reflection = true;
  size_t max_calls = 1024;
  uint64_t descriptors = kWantedDescriptors;  // that the process may have; not from the file
  uint64_t memory_limit = 0;                  // octets of address space; 0: unlimited
  Duration drain_timeout = std::chrono::seconds(10);
  Duration headend_patience = std::chrono::seconds(10);  // for its first report; not from the file
  shell::LogLevel log_level = shell::LogLevel::kInfo;
};

// ReadConfig takes every key it knows; what is wrong or unknown is told with line and column.
tl::expected<ApiConfig, Failure> ReadConfig(shell::ConfigFile file);

}  // namespace keymast::api
