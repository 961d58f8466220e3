// SPDX-License-Identifier: Apache-2.0
#include "api/streams.h"

#include <grpcpp/alarm.h>

#include "api/error_map.h"
#include "api/outgoing.h"

namespace keymast::api {
namespace {

Failure TooSlow(std::string what) {
  return {
      Error::kTooManyRequests,
      std::move(what),
      {},
      {},
      100,
      {"stream_queue", std::to_string(kMaxWaiting) + " messages or " +
                           std::to_string(kMaxWaitingOctets) + " octets that wait for a client"}};
}

grpc::Status WatcherTooSlow(const v1::Event* last) {
  std::string what = "the client reads too slowly; watch again from the last event that arrived";
  if (last != nullptr) what += ": resume_token \"" + last->resume_token() + "\"";
  return ToStatus(TooSlow(std::move(what)));
}

grpc::Status HeadendTooSlow(const v1::HeadendDirective*) {
  return ToStatus(TooSlow("the headend reads too slowly"));
}

Failure CoreGone() {
  return {Error::kUnavailable, "keymastd no longer takes reports", {}, {}, 500};
}

class WatchCall final : public grpc::ServerWriteReactor<v1::Event>, public CallSink, public Holder {
 public:
  WatchCall(Gate& gate, const Method& method)
      : gate_(gate),
        account_(gate, method),
        outgoing_(*this, {kMaxWaiting, kMaxWaitingOctets}, account_) {}

  void Keep(std::shared_ptr<WatchCall> self) { self_ = std::move(self); }
  void Begin(core::CoreRequest frame, const v1::WatchRequest& request) {
    *frame.mutable_watch() = request;
    // The first event may come before Start returns its number.
    const std::lock_guard lock(starting_);
    const auto call = gate_.link.Start(std::move(frame), self_, account_.urgency());
    if (!call) return End(ToStatus(call.error()));
    call_ = *call;
  }
  Accounted& account() { return account_; }
  void End(const grpc::Status& status) {
    if (outgoing_.End(status)) account_.Ended(status);
  }

  void OnReply(core::CoreReply& reply) override {
    if (reply.has_error()) return End(ToStatus(FailureOf(reply.error())));
    const bool last = reply.last();
    if (reply.has_event()) {
      if (!outgoing_.Push(std::move(*reply.mutable_event()))) return CutOff();
      account_.CutSlowest();
    }
    if (last) End(grpc::Status::OK);
  }
  void OnFailed(const Failure& failure) override { End(ToStatus(failure)); }
  bool endless() const override { return true; }
  void CutOff() override {
    gate_.link.Cancel(call());
    const auto status = outgoing_.Cut(WatcherTooSlow);
    if (!status) return;
    ++gate_.metrics.watchers_cut;
    account_.Ended(*status);
  }

  void OnWriteDone(bool ok) override { outgoing_.Written(ok); }
  void OnCancel() override {
    gate_.link.Cancel(call());
    End(grpc::Status::CANCELLED);
  }
  void OnDone() override { self_.reset(); }

 private:
  uint64_t call() {
    const std::lock_guard lock(starting_);
    return call_;
  }

  Gate& gate_;
  Accounted account_;
  Outgoing<grpc::ServerWriteReactor<v1::Event>, v1::Event> outgoing_;
  std::mutex starting_;
  uint64_t call_ = 0;
  std::shared_ptr<WatchCall> self_;
};

using TrafficKeysReactor = grpc::ServerBidiReactor<v1::HeadendReport, v1::HeadendDirective>;

class TrafficKeysCall final : public TrafficKeysReactor, public CallSink, public Holder {
 public:
  TrafficKeysCall(Gate& gate, const Method& method)
      : gate_(gate),
        account_(gate, method),
        outgoing_(*this, {kMaxWaiting, kMaxWaitingOctets}, account_) {}

  void Keep(std::shared_ptr<TrafficKeysCall> self) { self_ = std::move(self); }
  void Begin(core::CoreRequest frame) {
    principal_ = frame.principal();
    frame_ = std::move(frame);
    // Not an owner: the alarm is part of the call, and keeps its callback as long as itself.
    alarm_.Set(std::chrono::system_clock::now() + gate_.headend_patience,
               [call = std::weak_ptr(self_)](bool passed) {
                 if (const auto late = call.lock(); late && passed) late->Late();
               });
    StartRead(&report_);
  }
  Accounted& account() { return account_; }
  void End(const grpc::Status& status) {
    if (outgoing_.End(status)) account_.Ended(status);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Hangup(grpc::Status::OK);  // the headend has closed its side
    const bool forwarded = call() == 0 ? Open() : Report();
    if (forwarded) StartRead(&report_);
  }

  void OnReply(core::CoreReply& reply) override {
    if (reply.has_error()) return End(ToStatus(FailureOf(reply.error())));
    const bool last = reply.last();
    if (reply.has_headend_directive()) {
      if (!outgoing_.Push(std::move(*reply.mutable_headend_directive()))) return CutOff();
      account_.CutSlowest();
    }
    if (last) End(grpc::Status::OK);
  }
  void OnFailed(const Failure& failure) override { End(ToStatus(failure)); }
  bool endless() const override { return true; }
  void CutOff() override {
    gate_.link.Cancel(call());
    if (const auto status = outgoing_.Cut(HeadendTooSlow)) account_.Ended(*status);
  }

  void OnWriteDone(bool ok) override { outgoing_.Written(ok); }
  void OnCancel() override { Hangup(grpc::Status::CANCELLED); }
  void OnDone() override { self_.reset(); }

 private:
  // The first report names the headend and opens the call to keymastd.
  bool Open() {
    if (report_.headend().empty()) {
      End(ToStatus({Error::kInvalidArgument,
                    "the first report must name the headend",
                    {{"headend", "give headends/NAME in the first report"}},
                    {},
                    0}));
      return false;
    }
    *frame_.mutable_headend_report() = report_;
    const std::lock_guard lock(starting_);
    if (late_) return false;
    const auto call = gate_.link.Start(std::move(frame_), self_, Urgency::kHeadend);
    if (!call) {
      End(ToStatus(call.error()));
      return false;
    }
    call_ = *call;
    alarm_.Cancel();
    return true;
  }
  void Late() {
    {
      const std::lock_guard lock(starting_);
      if (call_ != 0) return;
      late_ = true;
    }
    End(ToStatus({Error::kUnauthenticated, "the headend did not name itself in time", {}, {}, 0}));
  }
  // A report that finds no room is dropped: the next one, a second later, says all that it said.
  // A proof is said once.
  bool Report() {
    const bool proof = !report_.proof().empty() && !proved_;
    proved_ = proved_ || proof;
    core::CoreRequest frame;
    frame.set_principal(principal_);
    *frame.mutable_headend_report() = report_;
    const auto sent =
        gate_.link.Send(call(), std::move(frame), proof ? Urgency::kHeadend : Urgency::kReport);
    if (sent || (!proof && sent.error().error == Error::kTooManyRequests)) return true;
    Hangup(ToStatus(sent.error().error == Error::kNotFound ? CoreGone() : sent.error()));
    return false;
  }
  void Hangup(const grpc::Status& status) {
    gate_.link.Cancel(call());
    End(status);
  }
  uint64_t call() {
    const std::lock_guard lock(starting_);
    return call_;
  }

  Gate& gate_;
  Accounted account_;
  Outgoing<TrafficKeysReactor, v1::HeadendDirective> outgoing_;
  std::string principal_;
  bool proved_ = false;  // of the reads, which come one after the other
  core::CoreRequest frame_;
  v1::HeadendReport report_;
  grpc::Alarm alarm_;
  std::mutex starting_;
  uint64_t call_ = 0;
  bool late_ = false;
  std::shared_ptr<TrafficKeysCall> self_;
};

// Runs `begin` on a new call when its caller is admitted, and refuses it otherwise.
template <class Call, class Begin>
Call* Launch(Gate& gate, const Access& access, const char* name,
             const google::protobuf::Message* request, grpc::CallbackServerContext* context,
             Begin begin) {
  const Method& method = MethodOf(name);
  auto call = std::make_shared<Call>(gate, method);
  call->Keep(call);
  auto frame = Admit(gate, access, method, request, *context, call->account());
  if (frame) {
    call->account().HeldBy(call);
    begin(*call, std::move(*frame));
  } else {
    call->End(ToStatus(frame.error()));
  }
  return call.get();
}

}  // namespace

grpc::ServerWriteReactor<v1::Event>* ForwardWatch(Gate& gate, const Access& access,
                                                  grpc::CallbackServerContext* context,
                                                  const v1::WatchRequest& request) {
  return Launch<WatchCall>(
      gate, access, "Rekeys.Watch", &request, context,
      [&](WatchCall& call, core::CoreRequest frame) { call.Begin(std::move(frame), request); });
}

TrafficKeysReactor* ForwardTrafficKeys(Gate& gate, const Access& access,
                                       grpc::CallbackServerContext* context) {
  return Launch<TrafficKeysCall>(
      gate, access, "Headends.TrafficKeys", nullptr, context,
      [](TrafficKeysCall& call, core::CoreRequest frame) { call.Begin(std::move(frame)); });
}

}  // namespace keymast::api
