// SPDX-License-Identifier: Apache-2.0
#include "bench/attack_site.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "bench/population.h"
#include "server/core_client.h"
#include "shell/process.h"

namespace keymast::bench {
namespace {

// deploy/systemd/keymast-api.service: RestartSec=, MemoryMax=.
constexpr auto kRestart = std::chrono::seconds(1);
constexpr double kMemoryMax = 1024.0 * (1 << 20);
// keymastd.service: CPUWeight=1000, ten times what others have; as a weight of threads, nice 10.
constexpr int kOthersYield = 10;
constexpr auto kTurn = std::chrono::milliseconds(50);

uint16_t FreeTcpPort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  Demand(bind(fd, generic, size) == 0 && getsockname(fd, generic, &size) == 0, "no port of TCP");
  close(fd);
  return ntohs(address.sin_port);
}

Endpoint GroupAt(uint16_t port) {
  Endpoint group = *ParseAddress("239.255.46.1");
  group.port = port;
  return group;
}

std::string PemOf(const std::function<int(BIO*)>& write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), BIO_free);
  Demand(write(memory.get()) == 1, "OpenSSL writes no PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<size_t>(size)};
}

}  // namespace

AttackSite::AttackSite(size_t channels)
    : scratch_("attack"),
      tls_port_(FreeTcpPort()),
      group_(GroupAt(FreeUdpPort())),
      certificate_(MakeCertified(KeyType::kP256)) {
  Configure();
  Populate(channels);
  keymastd_ = std::make_unique<Child>(
      std::vector<std::string>{Program("keymastd"), "run", "--config", scratch_ / "keymastd.toml"},
      scratch_ / "keymastd.log");
  AwaitCore(scratch_ / "core.sock", *keymastd_);
  // Of this thread, and of every thread and process that begins after it: all but keymastd.
  Demand(setpriority(PRIO_PROCESS, 0, kOthersYield) == 0, "the bench cannot yield to keymastd");
  keeper_ = std::thread([this] { KeepApi(); });
}

AttackSite::~AttackSite() {
  stopping_ = true;
  keeper_.join();
}

void AttackSite::Configure() {
  const auto path = [this](const char* name) { return "\"" + (scratch_ / name) + "\""; };
  scratch_.Write(
      "keymastd.toml",
      "identity = \"bmsc@example.org\"\nlog_level = \"warning\"\ndata = " + path("data") +
          "\nwitness = " + path("witness") + "\nmaster_key_file = " + path("master.key") +
          "\nsocket = " + path("core.sock") +
          "\nmikey_listen = \"127.0.0.1:" + std::to_string(FreeUdpPort()) + "\"\n");
  const Certified server = MakeCertified(KeyType::kP256);
  scratch_.Write("api.pem", PemOf([&](BIO* out) {
                   return PEM_write_bio_X509(out, server.certificate.get());
                 }));
  scratch_.Write("api.key", PemOf([&](BIO* out) {
                   return PEM_write_bio_PKCS8PrivateKey(out, server.key.get(), nullptr, nullptr, 0,
                                                        nullptr, nullptr);
                 }));
  scratch_.Write("clients.pem", PemOf([&](BIO* out) {
                   return PEM_write_bio_X509(out, certificate_.certificate.get());
                 }));
  scratch_.Write(
      "api.toml",
      "core_socket = " + path("core.sock") + "\nsocket_directory = \"" + scratch_.path() +
          "\"\nhttp_listen = \"\"\n[tls]\nlisten = " + "\"127.0.0.1:" + std::to_string(tls_port_) +
          "\"\ncertificate = " + path("api.pem") + "\nkey = " + path("api.key") +
          "\nclient_ca = " + path("clients.pem") + "\n[tls.principals]\nviewer = [\"peer\"]\n");
}

void AttackSite::Populate(size_t channels) {
  crypto::SystemRng rng;
  rekey::State state = MakeState(channels, 0, 0, {}, rng, shell::SystemClock().Now());
  channels_.resize(channels);
  for (auto& [id, channel] : state.channels) {
    // One group, so that one socket hears all of them.
    channel.channel.multicast.mtk = group_;
    channels_[size_t{channel.channel.key_group.value} - 1] = channel.channel;
  }
  WriteState(ConfigIn(scratch_), MakeMasterKeyIn(scratch_, rng), state);
}

void AttackSite::KeepApi() {
  using Steady = std::chrono::steady_clock;
  std::unique_ptr<Child> api;
  Steady::time_point start_at = Steady::now();
  while (!stopping_) {
    std::this_thread::sleep_for(kTurn);
    if (!api) {
      if (Steady::now() < start_at) continue;
      api = std::make_unique<Child>(
          std::vector<std::string>{Program("keymast-api"), "--config", scratch_ / "api.toml"},
          scratch_ / "api.log");
      continue;
    }
    const double resident = api->Running() ? api->Resident() : 0;
    most_resident_ = std::max(most_resident_.load(), resident);
    const bool is_killed = kill_.exchange(false);
    if (api->Running() && !is_killed && resident <= kMemoryMax) continue;
    if (!is_killed) ++ended_;
    if (api->Running()) kill(api->pid(), SIGKILL);
    api.reset();
    start_at = Steady::now() + kRestart;
  }
}

void AttackSite::KillApi() {
  kill_ = true;
  while (kill_) std::this_thread::sleep_for(kTurn);
}

double AttackSite::Resident() {
  Demand(keymastd_->Running(), "keymastd ended");
  return keymastd_->Resident();
}

}  // namespace keymast::bench
