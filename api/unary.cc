// SPDX-License-Identifier: Apache-2.0
#include "api/unary.h"

#include "api/error_map.h"
#include "base/failpoint.h"

namespace keymast::api {
namespace {

// UnaryCall lives until gRPC is done with it and the link has let go of it.
class UnaryCall final : public grpc::ServerUnaryReactor, public CallSink {
 public:
  UnaryCall(Gate& gate, const Method& method, google::protobuf::Message* response)
      : gate_(gate), method_(method), response_(response), account_(gate, method) {}

  void Keep(std::shared_ptr<UnaryCall> self) { self_ = std::move(self); }
  void Begin(core::CoreRequest frame, const google::protobuf::Message& request) {
    curtailed_ = frame.has_scope() && method_.reach.kind == ReachKind::kCurtailed;
    PutRequest(method_, request, frame);
    account_.Asked();
    PassFailpoint("api.call.before");
    const auto call = gate_.link.Start(std::move(frame), self_, account_.urgency());
    PassFailpoint("api.call.asked");
    if (!call) return End(ToStatus(call.error()));
    call_ = *call;
  }
  Accounted& account() { return account_; }
  void Refuse(const Failure& failure) { End(ToStatus(failure)); }

  void OnReply(core::CoreReply& reply) override {
    if (reply.has_error()) return End(ToStatus(FailureOf(reply.error())));
    account_.Sent(reply.datagrams());
    if (!TakeReply(method_, reply, *response_)) {
      return Refuse({Error::kInternal, "keymastd answered with something else", {}, {}, 0});
    }
    FillCodes(*response_);
    if (curtailed_) Curtail(method_.reach, *response_);
    End(grpc::Status::OK);
  }
  void OnFailed(const Failure& failure) override { End(ToStatus(failure)); }

  // Client gone or deadline over. gRPC calls this only after Begin has returned.
  void OnCancel() override {
    if (gate_.link.Cancel(call_)) End(grpc::Status::CANCELLED);
  }
  void OnDone() override { self_.reset(); }

 private:
  void End(const grpc::Status& status) {
    account_.Ended(status);
    account_.Answered(response_->ByteSizeLong());
    PassFailpoint("api.answer.before");
    Finish(status);
  }

  Gate& gate_;
  const Method& method_;
  google::protobuf::Message* response_;
  Accounted account_;
  uint64_t call_ = 0;
  bool curtailed_ = false;
  std::shared_ptr<UnaryCall> self_;
};

}  // namespace

grpc::ServerUnaryReactor* ForwardUnary(Gate& gate, const Access& access, const Method& method,
                                       grpc::CallbackServerContext* context,
                                       const google::protobuf::Message& request,
                                       google::protobuf::Message* response) {
  auto call = std::make_shared<UnaryCall>(gate, method, response);
  call->Keep(call);
  auto frame = Admit(gate, access, method, &request, *context, call->account());
  if (frame) {
    call->Begin(std::move(*frame), request);
  } else {
    call->Refuse(frame.error());
  }
  return call.get();
}

}  // namespace keymast::api
