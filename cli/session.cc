// SPDX-License-Identifier: Apache-2.0
#include "cli/session.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include <utility>

#include "shell/files.h"

namespace keymast::cli {
namespace {

using google::protobuf::Message;

constexpr int kMaxMessage = 4 << 20;
constexpr size_t kMaxPem = 1 << 20;

grpc::ByteBuffer Serialized(const Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

bool Parse(const grpc::ByteBuffer& octets, Message& message) {
  grpc::Slice slice;
  return octets.DumpToSingleSlice(&slice).ok() &&
         message.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

std::string PathOf(const std::string& method) {
  if (method.starts_with('/')) return method;
  std::string path = "/keymast.v1." + method;
  path[path.find('.', 12)] = '/';
  return path;
}

Problem ToProblem(const grpc::Status& status) {
  return ProblemOf(status.error_code(), status.error_message(), status.error_details());
}

class GrpcSession final : public Session {
 public:
  GrpcSession(std::shared_ptr<grpc::Channel> channel, Duration timeout)
      : channel_(std::move(channel)), stub_(channel_), timeout_(timeout) {}

  Outcome<void> Call(const std::string& method, const Message& request,
                     Message& response) override {
    grpc::ClientContext context;
    SetDeadline(context);
    auto call = stub_.PrepareUnaryCall(&context, PathOf(method), Serialized(request), &queue_);
    call->StartCall();
    grpc::ByteBuffer octets;
    grpc::Status status;
    call->Finish(&octets, &status, this);
    Next();
    if (!status.ok()) {
      Problem problem = ToProblem(status);
      if (WasNeverSent(status)) problem.is_outcome_known = true;
      return tl::unexpected(std::move(problem));
    }
    if (!Parse(octets, response)) return Unreadable();
    return {};
  }

  Outcome<void> Stream(const std::string& method, const Message& request, Message& scratch,
                       const std::function<bool()>& each) override {
    const Message* next = &request;
    return Converse(
        method, Deadline::kNone, [&] { return std::exchange(next, nullptr); }, scratch, each);
  }

  Outcome<void> Converse(const std::string& method, Deadline deadline,
                         const std::function<const Message*()>& next, Message& scratch,
                         const std::function<bool()>& each) override {
    grpc::ClientContext context;
    if (deadline == Deadline::kOfCall) SetDeadline(context);
    auto call = stub_.PrepareCall(&context, PathOf(method), &queue_);
    call->StartCall(this);
    Writer writer{*call, next};
    if (Next()) writer.Go();
    grpc::ByteBuffer octets;
    bool wanted = true, readable = true;
    while (wanted && readable && Read(*call, writer, octets)) {
      readable = Parse(octets, scratch);
      wanted = readable && each();
    }
    if (!wanted || !readable) context.TryCancel();
    while (writer.is_under_way) writer.Take(Next());
    grpc::Status status;
    call->Finish(&status, this);
    Next();
    if (!readable) return Unreadable();
    if (!wanted || status.ok()) return {};
    return tl::unexpected(ToProblem(status));
  }

 private:
  using Conversation = grpc::GenericClientAsyncReaderWriter;

  void SetDeadline(grpc::ClientContext& context) const {
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::duration_cast<std::chrono::microseconds>(timeout_));
  }

  // Writer has one message at a time on its way, its own address as the tag.
  struct Writer {
    Conversation& call;
    const std::function<const Message*()>& next;
    bool is_under_way = false;
    bool is_done = false;

    void Go() {
      const Message* message = next();
      is_done = message == nullptr;
      is_under_way = true;
      if (is_done) {
        call.WritesDone(this);
      } else {
        call.Write(Serialized(*message), this);
      }
    }
    // Takes the end of what was under way.
    void Take(bool ok) {
      is_under_way = false;
      if (ok && !is_done) Go();
    }
  };

  // Waits for a message, and writes on meanwhile; false at the end of the stream.
  bool Read(Conversation& call, Writer& writer, grpc::ByteBuffer& octets) {
    call.Read(&octets, this);
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok) && tag == &writer) writer.Take(ok);
    return ok;
  }

  // Waits for the one operation that is under way; whether it succeeded.
  bool Next() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }
  static tl::unexpected<Problem> Unreadable() {
    return tl::unexpected(Problem{.message = "the server's answer cannot be read"});
  }

  // A call that loses its connection ends with that, and leaves the channel idle. So while there is
  // still none that it seeks, or sought in vain, the call has waited for one all the time.
  bool WasNeverSent(const grpc::Status& status) const {
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE &&
        status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED) {
      return false;
    }
    const grpc_connectivity_state state = channel_->GetState(false);
    return state == GRPC_CHANNEL_CONNECTING || state == GRPC_CHANNEL_TRANSIENT_FAILURE;
  }

  const std::shared_ptr<grpc::Channel> channel_;
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub_;
  const Duration timeout_;
  grpc::CompletionQueue queue_;
};

Outcome<std::string> ReadPem(const std::string& option, const std::string& path) {
  auto text = shell::ReadFile(path, kMaxPem);
  if (text && !text->empty()) return std::move(*text);
  const std::string why = text ? "it is empty" : shell::WhyNot(text.error());
  return UsageProblem(option + ": " + path + " cannot be read (" + why + ")");
}

Outcome<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOf(const Target& target) {
  if (target.server.starts_with("unix:")) return grpc::InsecureChannelCredentials();
  if (target.tls_ca.empty() || target.tls_certificate.empty() || target.tls_key.empty()) {
    return UsageProblem("a server over TCP needs --tls-ca, --tls-cert and --tls-key");
  }
  grpc::SslCredentialsOptions options;
  const std::tuple<const char*, const std::string*, std::string*> files[] = {
      {"--tls-ca", &target.tls_ca, &options.pem_root_certs},
      {"--tls-cert", &target.tls_certificate, &options.pem_cert_chain},
      {"--tls-key", &target.tls_key, &options.pem_private_key}};
  for (const auto& [option, path, text] : files) {
    auto pem = ReadPem(option, *path);
    if (!pem) return tl::unexpected(pem.error());
    *text = std::move(*pem);
  }
  return grpc::SslCredentials(options);
}

}  // namespace

Outcome<std::unique_ptr<Session>> Connect(const Target& target) {
  auto credentials = CredentialsOf(target);
  if (!credentials) return tl::unexpected(credentials.error());
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessage);
  return std::make_unique<GrpcSession>(
      grpc::CreateCustomChannel(target.server, *credentials, arguments), target.timeout);
}

}  // namespace keymast::cli
