// SPDX-License-Identifier: Apache-2.0
#include "headend/link.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <fstream>
#include <iterator>
#include <mutex>

#include "base/check.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "keymast/v1/service.grpc.pb.h"

namespace keymast::headend {
namespace {

constexpr int kMaxMessage = 4 << 20;
constexpr int kKeepaliveMs = 10'000;  // the server takes no more than one ping in 5 s
constexpr int kKeepaliveTimeoutMs = 5'000;
constexpr int kBackoffMs = 100;
constexpr int kMaxBackoffMs = 2'000;
constexpr int kConnectTimeoutMs = 3'000;
// Reports that may wait for a slow server; a newer one says all that an older one did.
constexpr size_t kMaxWaiting = 4;

// ReasonOf gives our own name of the error (base/error.h), which says more than gRPC's code.
std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (!details.ParseFromString(status.error_details())) return {};
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return {};
}

Ended EndOf(const grpc::Status& status) {
  if (status.ok()) return {Ended::Kind::kAway, "the server ended the stream"};
  const std::string reason = ReasonOf(status);
  const Ended::Kind kind = reason == ErrorName(Error::kNotFound) ? Ended::Kind::kRevoked
                           : reason == ErrorName(Error::kInUse)  ? Ended::Kind::kTakenOver
                                                                 : Ended::Kind::kAway;
  return {kind, status.error_message() + (reason.empty() ? "" : " [" + reason + "]")};
}

tl::expected<std::string, Failure> ReadPem(const std::string& option, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) return Fail(Error::kInvalidArgument, option + ": " + path + " cannot be read");
  return text;
}

tl::expected<std::shared_ptr<grpc::ChannelCredentials>, Failure> CredentialsOf(
    const LinkTarget& target) {
  if (target.server.starts_with("unix:")) return grpc::InsecureChannelCredentials();
  if (target.tls_ca.empty() || target.tls_certificate.empty() || target.tls_key.empty()) {
    return Fail(Error::kInvalidArgument,
                "a server over TCP needs --tls-ca, --tls-cert and --tls-key");
  }
  grpc::SslCredentialsOptions options;
  const std::tuple<const char*, const std::string*, std::string*> files[] = {
      {"--tls-ca", &target.tls_ca, &options.pem_root_certs},
      {"--tls-cert", &target.tls_certificate, &options.pem_cert_chain},
      {"--tls-key", &target.tls_key, &options.pem_private_key}};
  for (const auto& [option, path, text] : files) {
    auto pem = ReadPem(option, *path);
    if (!pem) return tl::unexpected<Failure>(pem.error());
    *text = std::move(*pem);
  }
  return grpc::SslCredentials(options);
}

grpc::ChannelArguments ArgumentsOf() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessage);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kBackoffMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxBackoffMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  return arguments;
}

// Mailbox carries events from gRPC's threads to the loop.
class Mailbox {
 public:
  Mailbox() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { KEYMAST_CHECK(fd_ >= 0); }
  ~Mailbox() { close(fd_); }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  void Put(LinkEvent event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    eventfd_write(fd_, 1);
  }
  std::vector<LinkEvent> Take() {
    eventfd_t ignored = 0;
    eventfd_read(fd_, &ignored);
    const std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }
  int fd() const { return fd_; }

 private:
  const int fd_;
  std::mutex mutex_;
  std::vector<LinkEvent> events_;
};

// Call is one stream. A hold keeps it alive for writes from the loop until its reading side ends.
class Call final : public grpc::ClientBidiReactor<v1::HeadendReport, v1::HeadendDirective> {
 public:
  Call(v1::Headends::Stub& stub, Mailbox& mailbox, v1::HeadendReport first) : mailbox_(mailbox) {
    waiting_.push_back(std::move(first));
    stub.async()->TrafficKeys(&context_, this);
    AddHold();
    StartRead(&incoming_);
    StartWrite(&waiting_.front());
    StartCall();
  }

  void Send(v1::HeadendReport report) {
    const std::lock_guard lock(mutex_);
    if (over_) return;
    // The front is being written; the last one says the newest.
    if (waiting_.size() == kMaxWaiting) waiting_.pop_back();
    waiting_.push_back(std::move(report));
    if (waiting_.size() == 1) StartWrite(&waiting_.front());
  }

  void CancelAndWait() {
    context_.TryCancel();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      mailbox_.Put(std::move(incoming_));
      incoming_.Clear();
      StartRead(&incoming_);
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    RemoveHold();
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    waiting_.pop_front();
    if (!ok || over_) return;
    if (!waiting_.empty()) StartWrite(&waiting_.front());
  }

  void OnDone(const grpc::Status& status) override {
    mailbox_.Put(EndOf(status));
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }

 private:
  Mailbox& mailbox_;
  grpc::ClientContext context_;
  v1::HeadendDirective incoming_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<v1::HeadendReport> waiting_;
  bool over_ = false;
  bool done_ = false;
};

}  // namespace

struct Link::State {
  std::unique_ptr<v1::Headends::Stub> stub;
  Mailbox mailbox;
  std::unique_ptr<Call> call;
};

tl::expected<std::unique_ptr<Link>, Failure> Link::Open(const LinkTarget& target) {
  auto credentials = CredentialsOf(target);
  if (!credentials) return tl::unexpected<Failure>(credentials.error());
  auto state = std::make_unique<State>();
  state->stub =
      v1::Headends::NewStub(grpc::CreateCustomChannel(target.server, *credentials, ArgumentsOf()));
  return std::unique_ptr<Link>(new Link(std::move(state)));
}

Link::Link(std::unique_ptr<State> state) : state_(std::move(state)) {}

Link::~Link() {
  if (state_->call) state_->call->CancelAndWait();
}

void Link::Start(v1::HeadendReport first) {
  // Its end was taken, so this does not wait for the network.
  if (state_->call) state_->call->CancelAndWait();
  state_->call = std::make_unique<Call>(*state_->stub, state_->mailbox, std::move(first));
}

void Link::Send(v1::HeadendReport report) {
  if (state_->call) state_->call->Send(std::move(report));
}

std::vector<LinkEvent> Link::Take() { return state_->mailbox.Take(); }
int Link::fd() const { return state_->mailbox.fd(); }

}  // namespace keymast::headend
