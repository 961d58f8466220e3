// SPDX-License-Identifier: Apache-2.0
#include "api/config.h"

#include "api/read_grants.h"
#include "shell/process.h"

namespace keymast::api {
namespace {

constexpr int64_t kMebi = 1 << 20;
constexpr int64_t kDefaultMemoryMib = 2048;
constexpr int64_t kLowestMemoryMib = 1024;  // with less it ends at the first load, or at the start
constexpr size_t kLongestDirectory = shell::kLongestSocketPath - sizeof "/operator.sock" + 1;

tl::expected<std::optional<TlsConfig>, Failure> ReadTls(shell::ConfigFile& file,
                                                        std::map<std::string, Rights> names) {
  // Asked for leaf by leaf: asking for the table would make everything in it known.
  bool given = false;
  for (const char* key : {"tls.listen", "tls.certificate", "tls.key", "tls.client_ca"}) {
    given = file.Has(key) || given;
  }
  TlsConfig tls;
  tls.listen = file.String("tls.listen", "127.0.0.1:7443");
  tls.certificate = file.String("tls.certificate", "");
  tls.key = file.String("tls.key", "");
  tls.client_ca = file.String("tls.client_ca", "");
  tls.names = std::move(names);
  if (!given && tls.names.empty()) return std::nullopt;
  if (tls.certificate.empty() || tls.key.empty() || tls.client_ca.empty()) {
    return Fail(Error::kInvalidArgument, "[tls] needs certificate, key and client_ca");
  }
  return tls;
}

std::optional<Collector> ReadCollector(shell::ConfigFile& file) {
  constexpr const char* kKey = "trace.otlp_endpoint";
  if (!file.Has(kKey)) return std::nullopt;
  auto collector = ParseCollector(file.String(kKey, ""));
  if (!collector) file.Refuse(kKey, "must be as \"http://127.0.0.1:4318/v1/traces\"");
  return collector;
}

uint64_t ReadMemoryLimit(shell::ConfigFile& file) {
  constexpr const char* kKey = "memory_limit_mib";
  const int64_t mebi = file.Integer(kKey, kDefaultMemoryMib, 0, 1 << 20);
  if (mebi != 0 && mebi < kLowestMemoryMib) {
    file.Refuse(kKey, "must be 0, for no limit, or at least " + std::to_string(kLowestMemoryMib) +
                          ": it limits addresses, of which threads and gRPC need more than memory");
  }
  return static_cast<uint64_t>(mebi * kMebi);
}

}  // namespace

tl::expected<ApiConfig, Failure> ReadConfig(shell::ConfigFile file) {
  ApiConfig config;
  const std::string runtime = shell::RuntimeDirectory();
  config.core_socket = file.Path("core_socket", runtime + "/core.sock", shell::kLongestSocketPath);
  config.socket_directory = file.Path("socket_directory", runtime, kLongestDirectory);
  for (const Role role : kRoles) {
    const std::string key = "socket_group." + std::string(RoleName(role));
    if (!file.Has(key)) continue;
    config.socket_groups[role] = file.String(key, "");
    if (config.socket_groups[role].empty()) file.Refuse(key, "must be the name of a group");
  }
  config.http_listen = file.String("http_listen", "127.0.0.1:9469");
  config.reflection = file.Boolean("reflection", true);
  config.max_calls = static_cast<size_t>(file.Integer("max_calls", 1024, 16, 1 << 20));
  config.memory_limit = ReadMemoryLimit(file);
  config.drain_timeout = file.DurationOf("drain_timeout", std::chrono::seconds(10));
  const std::string level = file.String("log_level", "info");
  auto names = ReadGrants(file, config);
  config.collector = ReadCollector(file);
  auto tls = ReadTls(file, std::move(names));
  if (auto finished = file.Finish(); !finished) return tl::unexpected(finished.error());
  if (!tls) return tl::unexpected(tls.error());
  config.tls = std::move(*tls);
  if (!shell::ParseLogLevel(level, config.log_level)) {
    return Fail(Error::kInvalidArgument, "log_level must be debug, info, warning or error");
  }
  return config;
}

}  // namespace keymast::api
