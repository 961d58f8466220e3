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

#include <thread>

#include "api/services.h"

namespace keymast::api {
namespace {

constexpr int kMaxMessage = 4 << 20;
constexpr int kMaxStreams = 256;
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

void SetLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessage);
  builder.SetMaxSendMessageSize(kMaxMessage);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  grpc::ResourceQuota quota("keymast-api");
  quota.SetMaxThreads(kMaxSyncThreads);
  builder.SetResourceQuota(quota);
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

  bool Start(grpc::ServerBuilder& builder, const ApiConfig& config, Gate& gate,
             const Access& access) {
    SetLimits(builder);
    if (!config.reflection) builder.SetOption(std::make_unique<WithoutReflection>());
    services = MakeServices(gate, access);
    for (const auto& service : services) builder.RegisterService(service.get());
    server = builder.BuildAndStart();
    if (server) server->GetHealthCheckService()->SetServingStatus(false);
    return server != nullptr;
  }
};

Listeners::~Listeners() {
  Drain(Duration::zero());
  if (lock_ >= 0) close(lock_);
}

// A socket file may be left over from a killed process; the lock tells whether one still runs.
bool Listeners::Lock(const std::string& folder) {
  mkdir(folder.c_str(), kFolderMode);  // there already, as a rule
  lock_ = open((folder + "/keymast-api.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  return lock_ >= 0 && flock(lock_, LOCK_EX | LOCK_NB) == 0;
}

Status Listeners::OpenUnix(const ApiConfig& config, Gate& gate, Role role) {
  const std::string path = config.socket_directory + "/" + std::string(RoleName(role)) + ".sock";
  unlink(path.c_str());
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
  auto listener = std::make_unique<Listener>();
  // Nobody may connect between bind and chmod.
  const mode_t before = umask(0777 & ~kSocketMode);
  const bool started = listener->Start(builder, config, gate, role);
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
  if (!listener->Start(builder, config, gate, config.tls->principals)) return Err(Error::kInUse);
  listeners_.push_back(std::move(listener));
  return {};
}

tl::expected<std::unique_ptr<Listeners>, Failure> Listeners::Open(const ApiConfig& config,
                                                                  Gate& gate) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  std::unique_ptr<Listeners> all(new Listeners);
  if (!all->Lock(config.socket_directory)) {
    const bool in_use = all->lock_ >= 0;
    return Fail(in_use ? Error::kInUse : Error::kIo,
                in_use ? "another keymast-api serves " + config.socket_directory
                       : config.socket_directory + " is not there, or not writable");
  }
  for (const Role role : kRoles) {
    if (const Status opened = all->OpenUnix(config, gate, role); !opened) {
      return Fail(opened.error(), "cannot listen on " + config.socket_directory + "/" +
                                      std::string(RoleName(role)) + ".sock");
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
