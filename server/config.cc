// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include "mikey/profile_fields.h"
#include "shell/config_fields.h"
#include "shell/process.h"

namespace keymast::server {
namespace {

constexpr size_t kMaxIdentity = 255;  // octets of an ID payload that we send (RFC 3830 §6.7)

}  // namespace

tl::expected<ServerConfig, Failure> ReadServerConfig(shell::ConfigFile file) {
  ServerConfig config;
  config.identity = file.String("identity", "");
  if (config.identity.empty()) {
    file.Refuse("identity", "must be set: the NAI of this server, as keymast@example.org");
  } else if (config.identity.size() > kMaxIdentity) {
    file.Refuse("identity", "is too long: " + std::to_string(config.identity.size()) +
                                " octets of at most " + std::to_string(kMaxIdentity));
  }
  config.data = file.Path("data", shell::StateDirectory() + "/data");
  config.witness = file.Path("witness", shell::StateDirectory() + "/witness");
  config.master_key_file = file.String("master_key_file", "");
  config.socket =
      file.Path("socket", shell::RuntimeDirectory() + "/core.sock", shell::kLongestSocketPath);
  shell::ConfigFields fields(file);
  mikey::ReadProfile(fields, config.profile);
  const auto listen =
      ParseEndpoint(file.String("mikey_listen", "127.0.0.1"), config.profile.msk_port);
  if (listen && !listen->IsMulticast()) {
    config.mikey_listen = *listen;
  } else {
    file.Refuse("mikey_listen",
                "must be an address of this host, with a port or without, as 127.0.0.1:2269");
  }
  config.mikey_listen_place = file.Place("mikey_listen");
  config.record = file.String("record", "");
  config.record_place = file.Place("record");
  const std::string level = file.String("log_level", "info");
  if (!shell::ParseLogLevel(level, config.log_level)) {
    file.Refuse("log_level", "must be debug, info, warning or error");
  }
  if (const auto finished = file.Finish(); !finished) {
    return tl::unexpected(finished.error());
  }
  return config;
}

}  // namespace keymast::server
