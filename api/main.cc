// SPDX-License-Identifier: Apache-2.0
// keymast-api: the face of keymast to people and programs. It holds no keys and no state; it may be
// stopped and started at any time.
#include <google/protobuf/stubs/logging.h>
#include <malloc.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdio>
#include <filesystem>

#include "api/front.h"
#include "shell/args.h"
#include "shell/failpoints.h"
#include "shell/out_of_memory.h"
#include "shell/process.h"

namespace {

using keymast::api::ApiConfig;
using keymast::api::Front;
using keymast::shell::LogLevel;

constexpr int kRefused = 1;
constexpr int kMaxArenas = 4;  // each takes 64 MiB of address space, counted by the limit below

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCanLimitMemory = false;  // shadow memory takes terabytes of addresses
#else
constexpr bool kCanLimitMemory = true;
#endif

int Refuse(const keymast::Failure& failure) {
  std::fprintf(stderr, "keymast-api: %s\n", failure.message.c_str());
  return kRefused;
}

// gRPC can be made to grow without bound by one connection; better to be ended and started again.
void LimitMemory(uint64_t octets) {
  if (octets == 0 || !kCanLimitMemory) return;
  mallopt(M_ARENA_MAX, kMaxArenas);
  const rlimit limit{octets, octets};
  setrlimit(RLIMIT_AS, &limit);
}

// Requests and answers in memory name subscribers, and carry sealed keys.
void ForbidCoreDumps() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

tl::expected<ApiConfig, keymast::Failure> LoadConfig(const std::string& path) {
  const std::string fallback = keymast::shell::ConfigDirectory() + "/keymast-api.toml";
  if (path.empty() && !std::filesystem::exists(fallback)) {
    return keymast::api::ReadConfig(keymast::shell::ConfigFile::Empty());
  }
  auto file = keymast::shell::ConfigFile::Load(path.empty() ? fallback : path);
  if (!file) return tl::unexpected(file.error());
  return keymast::api::ReadConfig(std::move(*file));
}

int Run(ApiConfig config, int termination) {
  keymast::shell::InitLog("keymast-api", config.log_level);
  config.descriptors = keymast::shell::RaiseDescriptorLimit(
      keymast::api::kWantedDescriptors + keymast::api::kExtraDescriptors * config.sockets.size());
  // What clients send that is none is answered; it makes no lines of another form in the log.
  google::protobuf::SetLogHandler(nullptr);
  ForbidCoreDumps();
  LimitMemory(config.memory_limit);
  auto front = Front::Open(config);
  if (!front) return Refuse(front.error());
  keymast::shell::Log(LogLevel::kInfo, "started",
                      {{"sockets", config.socket_directory},
                       {"http_port", std::to_string((*front)->http_port())},
                       {"tls_port", std::to_string((*front)->tls_port())}});
  keymast::shell::NotifyReady();
  pollfd ended{termination, POLLIN, 0};
  while (poll(&ended, 1, -1) < 0) {
  }
  keymast::shell::NotifyStopping();
  keymast::shell::Log(LogLevel::kInfo, "draining");
  (*front)->Drain();
  keymast::shell::Log(LogLevel::kInfo, "stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  keymast::shell::EndWhenOutOfMemory("keymast-api");
  std::string path;
  keymast::shell::Args args("keymast-api", "gRPC, metrics and health for keymastd");
  args.Option("-c,--config", path, "TOML configuration file");
  if (const auto status = args.Parse(argc, argv)) return *status;
  keymast::shell::ArmFailpoint();
  const int termination = keymast::shell::TerminationFd();
  auto config = LoadConfig(path);
  return config ? Run(std::move(*config), termination) : Refuse(config.error());
}
