// SPDX-License-Identifier: Apache-2.0
// Wiring: parts are made in the order in which they depend on each other, and end in reverse.
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/check.h"
#include "base/failpoint.h"
#include "net/interface_watch.h"
#include "rekey/expiry.h"
#include "server/audit_key.h"
#include "server/audited_store.h"
#include "server/open_store.h"
#include "server/program.h"
#include "server/server.h"
#include "server/sink.h"
#include "server/transmitter.h"
#include "shell/descriptor.h"
#include "shell/files.h"

namespace keymast::server {
namespace {

constexpr size_t kReceiveBuffer = 4 << 20;  // a second of verifications of 10,000 members
// A sync of a busy disk takes a twentieth of a second at times, and a timer on a busy machine is
// some milliseconds late (docs/performance.md, `attack`).
constexpr controller::Ahead kAhead{std::chrono::milliseconds(250), std::chrono::milliseconds(10)};

std::string MikeySocketReason(Error error) {
  switch (error) {
    case Error::kInUse:
      return "another program has this UDP port; stop it, or choose another port";
    case Error::kNoInterface:
      return "no interface of this host has this address; give one of `ip address`";
    default:
      return "cannot be listened on (" + std::string(ErrorName(error)) + ")";
  }
}

std::string RecordReason(Error error) {
  switch (error) {
    case Error::kInUse:
      return "another program records to this file; give each its own";
    case Error::kMalformed:
      return "this file is not pcapng, and stays as it is; choose another name";
    default:
      return "cannot be opened or written to; its folder must be there and keymastd may write to "
             "it";
  }
}

tl::expected<net::UdpSocket, Failure> OpenMikeySocket(const ServerConfig& config) {
  auto socket = net::UdpSocket::Open(config.mikey_listen);
  if (!socket) {
    return Fail(socket.error(), config.mikey_listen_place + "mikey_listen " +
                                    ToString(config.mikey_listen) + ": " +
                                    MikeySocketReason(socket.error()));
  }
  socket->SetReceiveBuffer(kReceiveBuffer);
  return std::move(*socket);
}

tl::expected<std::unique_ptr<net::Recorder>, Failure> OpenRecorder(const ServerConfig& config) {
  if (config.record.empty()) return nullptr;
  auto recorder = net::Recorder::Open(config.record);
  if (!recorder) {
    return Fail(recorder.error(), config.record_place + "record " + config.record + ": " +
                                      RecordReason(recorder.error()));
  }
  return std::move(*recorder);
}

// MakeFolderOf makes the folder of the socket, or takes one in which nobody else can put another
// socket in its place: kPermissionDenied, kIo.
Status MakeFolderOf(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) return {};
  struct stat about {};
  if (!shell::MakeFolder(folder.string()) || stat(folder.c_str(), &about) != 0) {
    return Err(Error::kIo);
  }
  const bool is_ours = about.st_uid == geteuid() || about.st_uid == 0;
  if (!is_ours || (about.st_mode & S_IWOTH) != 0) return Err(Error::kPermissionDenied);
  return {};
}

std::string CoreSocketReason(Error error) {
  switch (error) {
    case Error::kInUse:
      return "in use by another keymastd";
    case Error::kPermissionDenied:
      return "its folder belongs to another user, or others may write to it; they could put a "
             "socket of theirs there";
    default:
      return "cannot be made; keymastd must be able to make files in its folder";
  }
}

tl::expected<LoadedJoinFiles, Failure> LoadJoinFilesOf(const ServerConfig& config) {
  const mikey::OwnedIdentity self({config.profile.idi_type, AsBytes(config.identity)});
  return LoadJoinFiles(config.join_files, self, config.profile.idr_type);
}

tl::unexpected<Failure> CannotListen(const std::string& path, Error error) {
  return Fail(error, "socket " + path + ": " + CoreSocketReason(error));
}

// SocketGroupOf gives none for an empty name.
tl::expected<std::optional<gid_t>, Failure> SocketGroupOf(const std::string& name) {
  if (name.empty()) return std::nullopt;
  const auto group = shell::GroupNamed(name);
  if (!group) return Fail(Error::kNotFound, "socket_group: there is no group \"" + name + '"');
  return group;
}

// FirstJoinFiles refuses a start with files that cannot be used; one of the server's own that has
// ended is told, and keeps nobody else from joining.
tl::expected<std::optional<LoadedJoinFiles>, Failure> FirstJoinFiles(const ServerConfig& config,
                                                                     Instant now) {
  if (config.join_files.own.empty()) return std::nullopt;
  auto loaded = LoadJoinFilesOf(config);
  if (!loaded) return tl::unexpected(loaded.error());
  if (loaded->certificate_end <= now) {
    shell::Log(shell::LogLevel::kError, "certificate_ended",
               {{"reason", "no receiver accepts it; renew it and send SIGHUP"}});
  }
  return *std::move(loaded);
}

// AddSink puts the second place of the audit log before the store, where there is one.
void AddSink(const ServerConfig& config, OpenedStore& store) {
  if (config.audit_sink.empty()) return;
  const auto key = crypto::PublicKey::FromEd25519(AuditPublicKey(store.import_key));
  KEYMAST_CHECK(key.has_value());
  store.durable = std::make_unique<AuditedStore>(std::move(store.durable),
                                                 AuditSink::Config{config.audit_sink, *key});
}

// OpenWithItsKey lets the master keys go once the store is open.
tl::expected<OpenedStore, Failure> OpenWithItsKey(const ServerConfig& config) {
  const auto given = MasterKeysOf(config);
  if (!given) return tl::unexpected(given.error());
  auto store = OpenStore(config, given->list());
  if (store) AddSink(config, *store);
  return store;
}

// Daemon is a server on this machine: its sockets, its store, its loop.
class Daemon {
 public:
  Daemon(const ServerConfig& config, shell::SystemClock& clock, ClockWatch& clock_watch,
         OpenedStore store, net::UdpSocket socket, std::unique_ptr<net::Recorder> recorder)
      : config_(config),
        store_(std::move(store)),
        clock_(clock),
        clock_watch_(clock_watch),
        loop_(clock),
        reload_([&config] { return LoadJoinFilesOf(config); }, [this] { loop_.Wake(); }),
        recorder_(recorder.get()),
        transmitter_(clock, std::move(socket), config.mikey_listen, std::move(recorder)),
        server_({clock,
                 loop_,
                 *store_.durable,
                 transmitter_,
                 rng_,
                 store_.import_key,
                 [this] { return recorder_ == nullptr ? 0 : recorder_->lost(); },
                 &reload_.view(),
                 &clock_watch_.view(),
                 {config.backups, [&config] { return OpenNextMasterKey(config); }}},
                {config.identity, config.profile, config.keying,
                 AuditOf(store_.import_key, store_.about), kAhead},
                store_.about, std::move(store_.state), StateHashOf) {}

  tl::expected<void, Failure> Listen() {
    const auto group = SocketGroupOf(config_.socket_group);
    if (!group) return tl::unexpected(group.error());
    Status listening = MakeFolderOf(config_.socket);
    if (!listening) return CannotListen(config_.socket, listening.error());
    listening = server_.Listen(config_.socket, *group);
    if (listening) return {};
    if (listening.error() != Error::kPermissionDenied) {
      return CannotListen(config_.socket, listening.error());
    }
    return Fail(listening.error(), "socket_group: the user of keymastd is not in group \"" +
                                       config_.socket_group + '"');
  }

  void Use(LoadedJoinFiles loaded) {
    reload_.Adopt(loaded);
    server_.shard().controller().UseCredentials(std::move(loaded.credentials));
  }

  tl::expected<void, Failure> Serve(const Signals& signals) {
    bool ended = false;
    loop_.Watch(signals.termination, EPOLLIN, [&](uint32_t) { ended = true; });
    if (signals.reload >= 0) {
      loop_.Watch(signals.reload, EPOLLIN, [&](uint32_t) { Reload(signals.reload); });
    }
    loop_.Watch(transmitter_.unicast_fd(), EPOLLIN,
                [this](uint32_t) { server_.shard().ReceiveDatagrams(); });
    WatchInterfaces();
    WatchClock();
    Shard& shard = server_.shard();
    PassFailpoint("server.start.before");
    server_.Start();
    PassFailpoint("server.start.done");
    shell::NotifyReady();
    shell::Watchdog watchdog;
    LogStart();
    for (server_.Turn(); !ended && !shard.fatal(); server_.Turn()) {
      watchdog.Alive(clock_.Now());
      loop_.WakeAt(std::min(server_.NextDeadline(), watchdog.Next()));
      if (!shard.controller().HasRoomAhead()) {
        loop_.Turn();
      } else if (!loop_.Peek()) {
        shard.MakeAhead();
      }
      TakeReloaded();
      TellOfLostRecords();
    }
    if (!shard.fatal()) Drain();
    loop_.Forget(next_look_.get());
    if (interfaces_) loop_.Forget(interfaces_->fd());
    loop_.Forget(transmitter_.unicast_fd());
    if (signals.reload >= 0) loop_.Forget(signals.reload);
    loop_.Forget(signals.termination);
    if (shard.fatal()) return tl::unexpected(*shard.fatal());
    return {};
  }

 private:
  void Reload(int signal) {
    if (!shell::TakeReload(signal)) return;
    if (!config_.join_files.own.empty()) return reload_.Start();
    shell::Log(shell::LogLevel::kInfo, "nothing_to_reload",
               {{"reason", "there are no mikeyv2.certificates"}});
  }
  void TakeReloaded() {
    auto loaded = reload_.Take(clock_.Now());
    if (!loaded) return;
    if (!*loaded) {
      return shell::Log(
          shell::LogLevel::kError, "join_reload_failed",
          {{"reason", loaded->error().message}, {"kept", "the files that were read before"}});
    }
    Use(**std::move(loaded));
    shell::Log(shell::LogLevel::kInfo, "join_reload");
  }
  void TellOfLostRecords() {
    if (recorder_ == nullptr || !recorder_->TakeFirstLoss()) return;
    shell::Log(
        shell::LogLevel::kError, "record_incomplete",
        {{"file", config_.record},
         {"reason",
          "what it could not take is counted in keymast_record_lost_total; is its disk full?"}});
  }
  void LogStart() const {
    const std::optional<uint64_t>& lost = store_.about.possibly_lost_commits;
    shell::Log(shell::LogLevel::kInfo, "started",
               {{"version", KEYMAST_VERSION},
                {"identity", config_.identity},
                {"mikey_listen", ToString(config_.mikey_listen)},
                {"channels", std::to_string(server_.shard().controller().state().channels.size())},
                {"master_key", store_.about.master_key_id},
                {"incarnation", std::to_string(store_.about.incarnation)},
                {"epoch", std::to_string(store_.about.epoch)},
                {"possibly_lost_commits", lost ? std::to_string(*lost) : "unknown"}});
  }
  // Without notices a sender whose interface is away tries again each second; what they add is that
  // an address which moved to another interface is followed.
  void WatchInterfaces() {
    auto watch = net::InterfaceWatch::Open();
    if (!watch) return shell::Log(shell::LogLevel::kWarning, "interfaces_not_watched");
    interfaces_ = std::move(*watch);
    loop_.Watch(interfaces_->fd(), EPOLLIN, [this](uint32_t) {
      const net::InterfaceWatch::Change change = interfaces_->Take();
      if (change.empty()) return;
      shell::Log(shell::LogLevel::kInfo, "interfaces_changed",
                 {{"came", ToString(change.came)}, {"gone", ToString(change.gone)}});
      transmitter_.Reopen();
    });
  }
  // A clock that is set is not told by itself everywhere: it is looked at each second.
  void WatchClock() {
    loop_.Watch(next_look_.get(), EPOLLIN, [this](uint32_t) {
      LookAtClock();
      ArmNextLook();
    });
    ArmNextLook();
  }
  // Arms the timer, which also takes back that it went off.
  void ArmNextLook() {
    const auto until = clock_watch_.UntilNextLook();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(until);
    const itimerspec once{{0, 0}, {seconds.count(), (until - seconds).count()}};
    KEYMAST_CHECK(timerfd_settime(next_look_.get(), 0, &once, nullptr) == 0);
  }
  void LookAtClock() {
    controller::Controller& controller = server_.shard().controller();
    const auto is_quiet = [&controller] {
      const auto& channels = controller.state().channels;
      return std::none_of(channels.begin(), channels.end(), [](const auto& channel) {
        return channel.second.ladder.prepared.has_value();
      });
    };
    const ClockWatch::Moved moved = clock_watch_.Look(shell::ReadClocks(), is_quiet);
    if (moved != ClockWatch::Moved::kNot) loop_.ClockMoved();
    if (moved == ClockWatch::Moved::kAhead) controller.Jumped(clock_.Now());
  }
  void Drain() {
    shell::NotifyStopping();
    shell::Log(shell::LogLevel::kInfo, "draining");
    server_.Drain();
    shell::Log(shell::LogLevel::kInfo, "stopped");
  }

  const ServerConfig& config_;
  crypto::SystemRng rng_;
  OpenedStore store_;
  const shell::SystemClock& clock_;
  ClockWatch& clock_watch_;
  const shell::Descriptor next_look_{timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)};
  Loop loop_;
  JoinReload reload_;
  net::Recorder* recorder_;  // of the transmitter; may be null
  Transmitter transmitter_;
  std::optional<net::InterfaceWatch> interfaces_;
  Server server_;
};

// CanRecordRollback: who puts an older store back must not be able to keep that off the record.
tl::expected<void, Failure> CanRecordRollback(const ServerConfig& config) {
  if (!config.accept_rollback || config.audit_sink.empty()) return {};
  const auto sink = Sink::Open(config.audit_sink, {});
  auto can = sink ? (*sink)->HasRoom(1) : tl::unexpected(sink.error());
  if (!can) can.error().message += "; what --accept-rollback does must be on record";
  return can;
}

}  // namespace

tl::expected<void, Failure> Run(const ServerConfig& config, const Signals& signals) {
  if (auto can = CanRecordRollback(config); !can) return can;
  auto store = OpenWithItsKey(config);
  if (!store) return tl::unexpected(store.error());
  auto socket = OpenMikeySocket(config);
  if (!socket) return tl::unexpected(socket.error());
  auto recorder = OpenRecorder(config);
  if (!recorder) return tl::unexpected(recorder.error());
  shell::SystemClock clock;
  ClockWatch clock_watch(clock.line(), shell::ReadClocks());
  clock_watch.Begin(rekey::LastMade(store->state));
  auto join_files = FirstJoinFiles(config, clock.Now());
  if (!join_files) return tl::unexpected(join_files.error());
  Daemon daemon(config, clock, clock_watch, std::move(*store), std::move(*socket),
                std::move(*recorder));
  if (auto listening = daemon.Listen(); !listening) return listening;
  PassFailpoint("server.listening");
  // A reload wipes them: nothing else may hold them then.
  if (auto first = std::exchange(*join_files, std::nullopt)) daemon.Use(*std::move(first));
  return daemon.Serve(signals);
}

}  // namespace keymast::server
