// SPDX-License-Identifier: Apache-2.0
#include "api/listeners.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "api/services.h"

namespace keymast::api {
namespace {

constexpr int kMaxMessage = 4 << 20;
constexpr int kMaxStreams = 256;
constexpr mode_t kSocketMode = 0660;
constexpr unsigned kCertificatePollSeconds = 60;

// Someone already answers on the socket file: it is another keymast-api's.
bool Answers(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::copy(path.begin(), path.end(), address.sun_path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return connected;
}

void SetLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessage);
  builder.SetMaxSendMessageSize(kMaxMessage);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Two keymast-api on one TCP port is a mistake, not load sharing.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
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

}  // namespace

struct Listeners::Listener {
  std::vector<std::unique_ptr<grpc::Service>> services;  // outlive the server
  std::unique_ptr<grpc::Server> server;

  bool Start(grpc::ServerBuilder& builder, Gate& gate, const Access& access) {
    SetLimits(builder);
    services = MakeServices(gate, access);
    for (const auto& service : services) builder.RegisterService(service.get());
    server = builder.BuildAndStart();
    if (server) server->GetHealthCheckService()->SetServingStatus(false);
    return server != nullptr;
  }
};

Listeners::~Listeners() { Drain(Duration::zero()); }

Status Listeners::OpenUnix(const ApiConfig& config, Gate& gate, Role role) {
  const std::string path = config.socket_directory + "/" + std::string(RoleName(role)) + ".sock";
  if (Answers(path)) return Err(Error::kInUse);
  unlink(path.c_str());
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
  auto listener = std::make_unique<Listener>();
  // Nobody may connect between bind and chmod.
  const mode_t before = umask(0777 & ~kSocketMode);
  const bool started = listener->Start(builder, gate, role);
  umask(before);
  if (!started || chmod(path.c_str(), kSocketMode) != 0) return Err(Error::kIo);
  listeners_.push_back(std::move(listener));
  return {};
}

Status Listeners::OpenTls(const ApiConfig& config, Gate& gate) {
  for (const std::string* file :
       {&config.tls->certificate, &config.tls->key, &config.tls->client_ca}) {
    if (access(file->c_str(), R_OK) != 0) return Err(Error::kNotFound);
  }
  grpc::ServerBuilder builder;
  builder.AddListeningPort(config.tls->listen, MutualTls(*config.tls), &tls_port_);
  auto listener = std::make_unique<Listener>();
  if (!listener->Start(builder, gate, config.tls->principals)) return Err(Error::kInUse);
  listeners_.push_back(std::move(listener));
  return {};
}

tl::expected<std::unique_ptr<Listeners>, Failure> Listeners::Open(const ApiConfig& config,
                                                                  Gate& gate) {
  grpc::EnableDefaultHealthCheckService(true);
  if (config.reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  std::unique_ptr<Listeners> all(new Listeners);
  for (const Role role : kRoles) {
    if (const Status opened = all->OpenUnix(config, gate, role); !opened) {
      return Fail(opened.error(),
                  "cannot listen on " + config.socket_directory + "/" +
                      std::string(RoleName(role)) + ".sock: " +
                      (opened.error() == Error::kInUse ? "another keymast-api answers there"
                                                       : "is the folder there, and writable?"));
    }
  }
  if (!config.tls) return all;
  if (const Status opened = all->OpenTls(config, gate); !opened) {
    return Fail(opened.error(), opened.error() == Error::kNotFound
                                    ? "a file of [tls] cannot be read"
                                    : "cannot listen on " + config.tls->listen);
  }
  return all;
}

void Listeners::SetServing(bool serving) {
  for (const auto& listener : listeners_) {
    listener->server->GetHealthCheckService()->SetServingStatus(serving);
  }
}

void Listeners::Drain(Duration timeout) {
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
