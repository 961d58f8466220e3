// SPDX-License-Identifier: Apache-2.0
// What every call passes first, and what it needs to go on.
#pragma once

#include <grpcpp/server_context.h>

#include <atomic>
#include <chrono>

#include "api/access.h"
#include "api/call_quota.h"
#include "api/core_link.h"
#include "api/methods.h"
#include "api/refusal_log.h"
#include "api/request_metrics.h"
#include "api/span_export.h"
#include "api/trace_context.h"

namespace keymast::api {

// Gate is shared by all listeners; it outlives every call.
struct Gate {
  CoreLink& link;
  RequestMetrics& metrics;
  CallQuota& quota;
  // For a headend to name itself; keymastd sees to it that it proves its key then.
  Duration headend_patience;
  SpanExport* spans = nullptr;         // none: spans go nowhere
  std::atomic<bool> draining = false;  // then new calls are refused with kDraining
  RefusalLog refusals = {};
};

// Accounted counts one call and logs it when it ends; it has a place in the quota until the call is
// gone, memory and all.
class Accounted {
 public:
  Accounted(Gate& gate, const Method& method)
      : gate_(gate), method_(method), began_(std::chrono::steady_clock::now()) {}
  void set_span(const Span& span) { span_ = span; }
  // The caller under a role, by which the call is named in the log.
  void set_caller(const Principal& principal, Role role);
  void set_channel(std::string id) { channel_ = std::move(id); }
  void set_place(CallQuota::Place place) { place_ = std::move(place); }
  void set_watching(Principal::Watching watching) { watching_ = std::move(watching); }
  Urgency urgency() const { return urgency_; }
  // Asked is called when the request goes to keymastd, Sent when its answer says that `datagrams`
  // left before it.
  void Asked() { asked_ = std::chrono::steady_clock::now(); }
  void Sent(uint32_t datagrams);
  // Answered is called before an answer of `octets` leaves.
  void Answered(size_t octets) { place_.Answered(octets); }
  // For a stream, once it is admitted: as the functions of its place.
  void HeldBy(std::weak_ptr<Holder> holder) { place_.HeldBy(std::move(holder)); }
  void Hold(size_t octets) { place_.Hold(octets); }
  void Release(size_t octets) { place_.Release(octets); }
  // CutSlowest cuts off streams of the share, those that hold most, until it is within its bound.
  // The caller holds no lock that a stream's end takes.
  void CutSlowest();
  void Ended(const grpc::Status& status) const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  void Log(const grpc::Status& status, Time now) const;
  void Export(const grpc::Status& status, Time now) const;

  Gate& gate_;
  const Method& method_;
  std::string principal_;
  Urgency urgency_ = Urgency::kOrdinary;
  Span span_;
  std::string_view role_;
  std::string channel_;  // id; of spans alone
  Time asked_;
  std::optional<SentSpan> sent_;
  Principal::Watching watching_;
  CallQuota::Place place_;
  Time began_;
};

// Admit checks who calls, how often, under which role and for which channel, in this order and
// before anything else of the request, and returns the frame of the call with all of that filled
// in. `request` is null for a call that has none at its beginning. `account` learns who calls, and
// has what the call takes of quotas. The client is told the call's trace in its initial metadata.
tl::expected<core::CoreRequest, Failure> Admit(Gate& gate, const Access& access,
                                               const Method& method,
                                               const google::protobuf::Message* request,
                                               grpc::CallbackServerContext& context,
                                               Accounted& account);

}  // namespace keymast::api
