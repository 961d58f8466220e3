// SPDX-License-Identifier: Apache-2.0
// keymastd: holds the keys of broadcast channels and brings them to those who may have them.
#include <cstdio>
#include <filesystem>

#include "base/check.h"
#include "crypto/primitives.h"
#include "server/program.h"
#include "shell/args.h"
#include "shell/failpoints.h"
#include "shell/out_of_memory.h"
#include "shell/process.h"
#include "shell/short_slice.h"

namespace {

using keymast::Failure;
using keymast::server::ServerConfig;

constexpr int kRefused = 1;
constexpr uint64_t kWantedDescriptors = 1024;  // store, private socket, a socket per interface

struct Options {
  std::string config;
  int64_t master_key_fd = -1;
  bool accept_rollback = false;
};

int Refuse(const Failure& failure) {
  std::fprintf(stderr, "keymastd: %s\n", failure.message.c_str());
  return kRefused;
}

tl::expected<ServerConfig, Failure> Load(const Options& options) {
  const std::string fallback = keymast::shell::ConfigDirectory() + "/keymastd.toml";
  auto file = keymast::shell::ConfigFile::Load(options.config.empty() ? fallback : options.config);
  if (!file) return tl::unexpected(file.error());
  auto config = keymast::server::ReadServerConfig(std::move(*file));
  if (!config) return config;
  config->accept_rollback = options.accept_rollback;
  config->master_key.fd = static_cast<int>(options.master_key_fd);
  config->file = options.config;
  return config;
}

}  // namespace

int main(int argc, char** argv) {
  keymast::shell::EndWhenOutOfMemory("keymastd");
  KEYMAST_CHECK(keymast::crypto::AskNewHandler());
  Options options;
  keymast::shell::Args args("keymastd", "key server for broadcast channels");
  args.Option("-c,--config", options.config, "TOML configuration file");
  args.Option("--master-key-fd", options.master_key_fd, "read the master key from a descriptor");
  args.Flag("--accept-rollback", options.accept_rollback,
            "start on data older than its witness; every channel gets a new MSK");
  args.Command("run", "serve until SIGTERM (the default)");
  args.Command("init", "make master key, data directory, witness and import key");
  args.Command("check",
               "say what is wrong with configuration, files, keys and data; writes nothing");
  if (const auto status = args.Parse(argc, argv)) return *status;

  keymast::shell::ArmFailpoint();
  const bool is_locked = keymast::crypto::HardenProcess();
  if (!keymast::crypto::SelfTest()) {
    return Refuse({keymast::Error::kInternal,
                   "the installed OpenSSL or libsodium gives wrong answers",
                   {},
                   {},
                   0});
  }
  const auto config = Load(options);
  if (!config) return Refuse(config.error());
  if (args.command() == "init") {
    const auto made = keymast::server::Init(*config);
    return made ? 0 : Refuse(made.error());
  }
  if (args.command() == "check") return keymast::server::PrintCheck(*config) ? 0 : kRefused;
  // Before any thread starts, so that all of them leave the signals to the descriptor.
  const keymast::server::Signals signals{keymast::shell::TerminationFd(),
                                         keymast::shell::ReloadFd()};
  keymast::shell::InitLog("keymastd", config->log_level);
  if (!is_locked) {
    keymast::shell::Log(keymast::shell::LogLevel::kInfo, "memory_not_locked",
                        {{"reason", "RLIMIT_MEMLOCK has an end: keys may reach swap"}});
  }
  keymast::shell::RaiseDescriptorLimit(kWantedDescriptors);
  keymast::shell::AskForShortSlice();
  const auto served = keymast::server::Run(*config, signals);
  return served ? 0 : Refuse(served.error());
}
