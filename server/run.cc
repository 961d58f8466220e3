// SPDX-License-Identifier: Apache-2.0
// Wiring: parts are made in the order in which they depend on each other, and end in reverse.
#include <filesystem>

#include "server/calls.h"
#include "server/master_key.h"
#include "server/metrics.h"
#include "server/open_store.h"
#include "server/program.h"

namespace keymast::server {
namespace {

constexpr size_t kReceiveBuffer = 4 << 20;  // a second of verifications of 10,000 members

tl::expected<net::UdpSocket, Failure> OpenMikeySocket(const ServerConfig& config) {
  auto socket = net::UdpSocket::Open(config.mikey_listen);
  if (!socket) {
    return Fail(socket.error(), "mikey_listen " + ToString(config.mikey_listen) + ": " +
                                    std::string(ErrorName(socket.error())));
  }
  socket->SetReceiveBuffer(kReceiveBuffer);
  return std::move(*socket);
}

tl::expected<std::unique_ptr<net::Recorder>, Failure> OpenRecorder(const std::string& path) {
  if (path.empty()) return nullptr;
  auto recorder = net::Recorder::Open(path);
  if (!recorder) return Fail(recorder.error(), "record " + path + ": cannot be written");
  return std::move(*recorder);
}

Status MakeFolderOf(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  if (folder.empty() || std::filesystem::exists(folder)) return {};
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, problem);
  return problem ? Err(Error::kIo) : Status();
}

// Server holds the parts of a running keymastd.
class Server {
 public:
  Server(const ServerConfig& config, const shell::SystemClock& clock, OpenedStore store,
         net::UdpSocket socket, std::unique_ptr<net::Recorder> recorder)
      : config_(config),
        clock_(clock),
        store_(std::move(store)),
        loop_(clock),
        transmitter_(clock, std::move(socket), config.mikey_listen, std::move(recorder)),
        clients_(
            loop_,
            [this](ClientId client, core::CoreRequest& request) {
              calls_.OnRequest(client, request);
            },
            [this](ClientId client) { calls_.OnClosed(client); }),
        headends_(clients_, rng_),
        watches_(clients_),
        controller_({config.identity, config.profile}, std::move(store_.state), rng_,
                    crypto::DefaultSuite()),
        shard_(
            {clock_, *store_.durable, transmitter_, headends_, watches_, [this] { loop_.Wake(); }},
            controller_),
        calls_(
            clients_, shard_, store_.import_key, {config.identity, clock.Now(), store_.about},
            [this](core::MetricsSnapshot& snapshot) {
              FillMetrics(shard_, transmitter_, clients_, store_.about, snapshot);
            },
            [](const rekey::State& state) { return StateHashOf(state); }) {}

  tl::expected<void, Failure> Listen() {
    Status listening = MakeFolderOf(config_.socket);
    if (listening) listening = clients_.Listen(config_.socket);
    if (listening) return {};
    const bool in_use = listening.error() == Error::kInUse;
    return Fail(listening.error(),
                "socket " + config_.socket +
                    (in_use ? ": in use by another keymastd" : ": cannot be made"));
  }

  tl::expected<void, Failure> Serve(int termination) {
    bool ended = false;
    loop_.Watch(termination, EPOLLIN, [&](uint32_t) { ended = true; });
    loop_.Watch(transmitter_.unicast_fd(), EPOLLIN,
                [this](uint32_t) { shard_.ReceiveDatagrams(); });
    shard_.Start(store_.about.new_incarnation);
    shell::NotifyReady();
    LogStart();
    while (!ended && !shard_.fatal()) {
      shard_.Turn();
      loop_.WakeAt(shard_.NextDeadline());
      loop_.Turn();
    }
    if (ended) Drain();
    loop_.Forget(transmitter_.unicast_fd());
    loop_.Forget(termination);
    if (shard_.fatal()) return tl::unexpected(*shard_.fatal());
    return {};
  }

 private:
  void LogStart() const {
    shell::Log(shell::LogLevel::kInfo, "started",
               {{"version", KEYMAST_VERSION},
                {"identity", config_.identity},
                {"mikey_listen", ToString(config_.mikey_listen)},
                {"channels", std::to_string(controller_.state().channels.size())},
                {"incarnation", std::to_string(store_.about.incarnation)},
                {"epoch", std::to_string(store_.about.epoch)},
                {"possibly_lost_commits", std::to_string(store_.about.possibly_lost_commits)}});
  }
  void Drain() {
    shell::NotifyStopping();
    shell::Log(shell::LogLevel::kInfo, "draining");
    clients_.Stop();
    shard_.Drain();
    clients_.FlushAll();
    shell::Log(shell::LogLevel::kInfo, "stopped");
  }

  const ServerConfig& config_;
  const shell::SystemClock& clock_;
  crypto::SystemRng rng_;
  OpenedStore store_;
  Loop loop_;
  Transmitter transmitter_;
  Clients clients_;
  HeadendStreams headends_;
  WatchLog watches_;
  controller::Controller controller_;
  Shard shard_;
  Calls calls_;
};

}  // namespace

tl::expected<void, Failure> Run(const ServerConfig& config, int termination) {
  const auto master_key =
      ReadMasterKey({config.master_key_fd, config.master_key_file}, DefaultMasterKeyFile());
  if (!master_key) return tl::unexpected(master_key.error());
  auto store = OpenStore(config, *master_key);
  if (!store) return tl::unexpected(store.error());
  auto socket = OpenMikeySocket(config);
  if (!socket) return tl::unexpected(socket.error());
  auto recorder = OpenRecorder(config.record);
  if (!recorder) return tl::unexpected(recorder.error());
  const shell::SystemClock clock;
  Server server(config, clock, std::move(*store), std::move(*socket), std::move(*recorder));
  if (auto listening = server.Listen(); !listening) return listening;
  return server.Serve(termination);
}

}  // namespace keymast::server
