// SPDX-License-Identifier: Apache-2.0
#include "api/listeners.h"

#include <fcntl.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/server_builder_option.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "api/methods.h"
#include "api/services.h"
#include "shell/process.h"

namespace keymast::api {
namespace {

constexpr int kMaxMessage = 4 << 20;
// Of a connection: for TLS and HTTP/2 to be agreed on, and without a call.
constexpr int kHandshakeMs = 5'000;
constexpr int kIdleMs = 120'000;
constexpr mode_t kSocketMode = 0660;
constexpr mode_t kFolderMode = 0755;  // the socket files say who may connect
constexpr int kMaxSyncThreads = 8;    // reflection's; our own methods need none
constexpr unsigned kCertificatePollSeconds = 60;

// Reflection comes with its library, in every server; this takes it out again.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const auto& plugin) {
      return dynamic_cast<grpc::reflection::ProtoServerReflectionPlugin*>(plugin.get()) != nullptr;
    });
  }
};

void SetLimits(grpc::ServerBuilder& builder, int streams) {
  builder.SetMaxReceiveMessageSize(kMaxMessage);
  builder.SetMaxSendMessageSize(kMaxMessage);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, streams);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  grpc::ResourceQuota quota("keymast-api");
  quota.SetMaxThreads(kMaxSyncThreads);
  builder.SetResourceQuota(quota);
}

std::shared_ptr<grpc::ServerCredentials> MutualTls(const TlsConfig& tls) {
  using grpc::experimental::FileWatcherCertificateProvider;
  auto files = std::make_shared<FileWatcherCertificateProvider>(
      tls.key, tls.certificate, tls.client_ca, kCertificatePollSeconds);
  grpc::experimental::TlsServerCredentialsOptions options(files);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

// The most that one of the roles has.
int StreamsOfRights(const Rights& rights) {
  int streams = 1;
  for (const Grant& grant : rights.grants) streams = std::max(streams, StreamsOf(grant.role));
  return streams;
}

// CannotListen says what is in the way at a socket file, or at an address and port.
Failure CannotListen(const std::string& where, Error error) {
  std::string message = "cannot listen on " + where + ": ";
  switch (error) {
    case Error::kTooLong:
      message += "a socket file's path may have 107 octets; choose a shorter socket_directory";
      break;
    case Error::kMalformed:
      return {Error::kInvalidArgument,
              "tls.listen: \"" + where + "\" is not an address and port, as 127.0.0.1:7443",
              {},
              {},
              0};
    case Error::kInUse:
      message += "another program has this port";
      break;
    case Error::kNoInterface:
      message += "no interface of this host has this address";
      break;
    default:
      message += std::strerror(errno);
  }
  return {error, std::move(message), {}, {}, 0};
}

}  // namespace

struct Listeners::Listener {
  std::vector<std::unique_ptr<grpc::Service>> services;  // outlive the server
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> door;
  std::unique_ptr<grpc::Server> server;

  void Take(Descriptor connection) const {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters taken;
    taken.fd = connection.Release();
    door->HandleNewConnection(&taken);
  }
};

Listeners::~Listeners() {
  Drain(Duration::zero());
  if (lock_ >= 0) close(lock_);
}

// A socket file may be left over from a killed process; the lock tells whether one still runs.
tl::expected<void, Failure> Listeners::Lock(const std::string& folder) {
  mkdir(folder.c_str(), kFolderMode);  // there already, as a rule
  const std::string file = folder + "/keymast-api.lock";
  if (auto own = shell::CheckSocketFolder(file); !own) return own;
  lock_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return Fail(Error::kIo, folder + " is not there, or not writable");
  if (flock(lock_, LOCK_EX | LOCK_NB) == 0) return {};
  return Fail(Error::kInUse, "another keymast-api serves " + folder);
}

bool Listeners::Serve(Acceptor::Listener socket, int streams,
                      std::shared_ptr<grpc::ServerCredentials> credentials, const ApiConfig& config,
                      Gate& gate, const Access& access) {
  using Type = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
  grpc::ServerBuilder builder;
  SetLimits(builder, streams);
  if (!config.reflection) builder.SetOption(std::make_unique<WithoutReflection>());
  auto listener = std::make_unique<Listener>();
  listener->door =
      builder.experimental().AddExternalConnectionAcceptor(Type::FROM_FD, std::move(credentials));
  listener->services = MakeServices(gate, access);
  for (const auto& service : listener->services) builder.RegisterService(service.get());
  listener->server = builder.BuildAndStart();
  if (!listener->server) return false;
  grpc::HealthCheckServiceInterface& health = *listener->server->GetHealthCheckService();
  for (const Method& method : Methods()) {
    health.SetServingStatus(method.descriptor->service()->full_name(), false);
  }
  health.SetServingStatus(false);
  socket.take = [&listener = *listener](Descriptor connection) {
    listener.Take(std::move(connection));
  };
  sockets_.push_back(std::move(socket));
  listeners_.push_back(std::move(listener));
  return true;
}

std::vector<Listeners::SocketFile> Listeners::SocketFiles(const ApiConfig& config,
                                                          const ConnectionShares& shares) {
  std::vector<SocketFile> files;
  for (const Role role : kRoles) {
    const std::string name(RoleName(role));
    const auto group = config.socket_groups.find(role);
    const auto rights = config.socket_rights.find(role);
    files.push_back({name, group == config.socket_groups.end() ? "" : group->second,
                     "socket_group." + name,
                     rights == config.socket_rights.end() ? RoleForAll(role) : rights->second,
                     shares.of(role)});
  }
  for (const SocketConfig& socket : config.sockets) {
    files.push_back({socket.name, socket.group, "group of [[sockets]] \"" + socket.name + "\"",
                     socket.rights, shares.extra});
  }
  return files;
}

tl::expected<void, Failure> Listeners::OpenUnix(const ApiConfig& config, Gate& gate,
                                                const SocketFile& file) {
  const std::string path = config.socket_directory + "/" + file.name + ".sock";
  std::optional<gid_t> group;
  if (!file.group.empty()) {
    group = shell::GroupNamed(file.group);
    if (!group) {
      return Fail(Error::kNotFound, file.group_key + ": there is no group \"" + file.group + "\"");
    }
  }
  auto socket = ListenUnix(path, kSocketMode, group);
  if (!socket && socket.error() == Error::kPermissionDenied) {
    return Fail(
        Error::kPermissionDenied,
        file.group_key + ": the user of keymast-api is not in group \"" + file.group + "\"");
  }
  if (!socket) return tl::unexpected(CannotListen(path, socket.error()));
  Principal& callers =
      socket_principals_.try_emplace(file.name, SocketPrincipal(file.name), file.rights)
          .first->second;
  if (Serve({file.name, std::move(*socket), path, file.share, {}}, StreamsOfRights(file.rights),
            grpc::InsecureServerCredentials(), config, gate, &callers)) {
    return {};
  }
  return Fail(Error::kInternal, "gRPC does not serve " + path);
}

tl::expected<void, Failure> Listeners::OpenTls(const ApiConfig& config, Gate& gate, size_t share) {
  const TlsConfig& tls = *config.tls;
  for (const auto& [key, file] :
       {std::pair("certificate", &tls.certificate), std::pair("key", &tls.key),
        std::pair("client_ca", &tls.client_ca)}) {
    if (access(file->c_str(), R_OK) == 0) continue;
    return Fail(Error::kNotFound, "tls." + std::string(key) + " = \"" + *file +
                                      "\" cannot be read: " + std::strerror(errno));
  }
  auto socket = ListenTcp(tls.listen);
  if (!socket) return tl::unexpected(CannotListen(tls.listen, socket.error()));
  tls_port_ = PortOf(*socket);
  for (const auto& [name, rights] : tls.names) named_principals_.try_emplace(name, name, rights);
  if (Serve({"tls", std::move(*socket), "", share, {}}, kTlsStreams, MutualTls(tls), config, gate,
            &named_principals_)) {
    return {};
  }
  return Fail(Error::kInternal, "gRPC does not serve " + tls.listen);
}

tl::expected<std::unique_ptr<Listeners>, Failure> Listeners::Open(const ApiConfig& config,
                                                                  Gate& gate,
                                                                  const ConnectionShares& shares) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  std::unique_ptr<Listeners> all(new Listeners);
  if (auto locked = all->Lock(config.socket_directory); !locked) {
    return tl::unexpected(locked.error());
  }
  for (const SocketFile& file : SocketFiles(config, shares)) {
    auto opened = all->OpenUnix(config, gate, file);
    if (!opened) return tl::unexpected(opened.error());
  }
  if (config.tls) {
    auto opened = all->OpenTls(config, gate, shares.tls);
    if (!opened) return tl::unexpected(opened.error());
  }
  all->acceptor_ = std::make_unique<Acceptor>(std::move(all->sockets_));
  return all;
}

void Listeners::SetServing(bool serving) {
  for (const auto& listener : listeners_) {
    listener->server->GetHealthCheckService()->SetServingStatus(serving);
  }
}

void Listeners::Drain(Duration timeout) {
  if (acceptor_) acceptor_->Stop();
  const auto deadline = std::chrono::system_clock::now() +
                        std::chrono::duration_cast<std::chrono::system_clock::duration>(timeout);
  std::vector<std::thread> waiting;  // all listeners at once: one deadline for all
  for (const auto& listener : listeners_) {
    waiting.emplace_back([&listener, deadline] { listener->server->Shutdown(deadline); });
  }
  for (std::thread& thread : waiting) thread.join();
  listeners_.clear();
}

}  // namespace keymast::api
