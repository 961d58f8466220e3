// SPDX-License-Identifier: Apache-2.0
// What keymastd is told by its configuration file and command line (docs/operator.md).
#pragma once

#include <optional>

#include "base/endpoint.h"
#include "controller/keying_config.h"
#include "mikey/profile3gpp.h"
#include "server/join_files.h"
#include "server/master_key.h"
#include "shell/config.h"
#include "shell/log.h"

namespace keymast::server {

// DefaultSocket is where keymast-api looks for keymastd when its file does not say.
std::string DefaultSocket();

struct ServerConfig {
  std::string identity;      // IDi: NAI of this server
  std::string data;          // directory of the store
  std::string witness;       // file outside of it
  std::string socket;        // for keymast-api
  std::string backups;       // folder of backups
  std::string audit_sink;    // file or FIFO, second place of the audit log; empty: none
  std::string socket_group;  // whose members may open it; empty: this user alone
  Endpoint mikey_listen;
  std::string record;  // pcapng of all datagrams; empty: none
  // Where the file says so, for what turns out later: `FILE:LINE:COLUMN: `, or empty.
  std::string mikey_listen_place;
  std::string record_place;
  shell::LogLevel log_level = shell::LogLevel::kInfo;
  mikey::Profile3gpp profile;
  controller::KeyingConfig keying;
  JoinFiles join_files;
  MasterKeySource master_key;  // its descriptor is from the command line alone
  // Where the key is that takes over in a rotation.
  std::optional<MasterKeySource> next_master_key;
  std::string file;  // that all this is from
  // From the command line alone: it may not stay in a file by mistake.
  bool accept_rollback = false;
};

// ReadServerConfig takes every key; the failure lists all that is wrong, each with its place.
tl::expected<ServerConfig, Failure> ReadServerConfig(shell::ConfigFile file);

}  // namespace keymast::server
