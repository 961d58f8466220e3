// SPDX-License-Identifier: Apache-2.0
#include "api/gate.h"

#include <algorithm>

#include "base/bytes.h"
#include "shell/log.h"

namespace keymast::api {
namespace {

constexpr uint32_t kDrainRetryMs = 1000;
constexpr const char* kTraceparent = "traceparent";

Failure Denied(Gate& gate, Denial denial, std::string message) {
  ++gate.metrics.denied[static_cast<size_t>(denial)];
  const bool unknown = denial == Denial::kUnknownName;
  const Error error = unknown ? Error::kUnauthenticated : Error::kPermissionDenied;
  return {error, std::move(message), {}, {}, 0};
}

std::string RolesOf(const Principal& principal) {
  std::string text;
  for (const Grant& grant : principal.grants()) {
    const std::string_view role = RoleName(grant.role);
    if (text.find(role) != std::string::npos) continue;
    text.append(text.empty() ? "role " : " or ").append(role);
  }
  return text;
}

// Several parents are as none (§3.2 of the standard: there is one).
std::optional<TraceContext> ParentOf(const grpc::CallbackServerContext& context) {
  const auto [first, end] = context.client_metadata().equal_range(kTraceparent);
  if (first == end || std::next(first) != end) return std::nullopt;
  return ParseTraceparent({first->second.data(), first->second.size()});
}

// What lets the caller make the call; the same answer whether or not the channel is there.
tl::expected<Principal::Leave, Failure> LeaveFor(Gate& gate, const Principal& principal,
                                                 const Method& method,
                                                 const google::protobuf::Message* request) {
  auto leave = principal.LeaveFor(method.roles);
  if (!leave) {
    return tl::unexpected(
        Denied(gate, Denial::kRole, RolesOf(principal) + " may not call " + method.name));
  }
  if (!leave->channels) return *leave;
  if (request != nullptr && IsWithin(*leave->channels, method.reach, *request)) return *leave;
  return tl::unexpected(Denied(gate, Denial::kChannel,
                               principal.As(leave->role) + " may call " + method.name +
                                   " for the channels of its grants alone"));
}

core::CoreRequest FrameOf(const Principal& principal, const Principal::Leave& leave,
                          const Span& span) {
  core::CoreRequest frame;
  frame.set_principal(principal.As(leave.role));
  frame.set_trace_id(span.context.trace_id.data(), span.context.trace_id.size());
  if (leave.channels) {
    core::Scope& scope = *frame.mutable_scope();
    for (const std::string& pattern : leave.channels->patterns()) {
      scope.add_channels("channels/" + pattern);
    }
  }
  const Limits& limits = principal.limits();
  if (limits.channels > 0 || limits.members > 0) {
    frame.mutable_quota()->set_channels(limits.channels);
    frame.mutable_quota()->set_members(limits.members);
  }
  return frame;
}

// Takes what the call takes of the quotas of its principal and role.
tl::expected<void, Failure> TakePlaces(Gate& gate, Principal& principal, Role role,
                                       const Method& method, Accounted& account) {
  const bool streams = method.descriptor->server_streaming();
  if (streams && !method.descriptor->client_streaming()) {
    auto watching = principal.TakeWatch();
    if (!watching) {
      ++gate.metrics.beyond_watches;
      return tl::unexpected(watching.error());
    }
    account.set_watching(std::move(*watching));
  }
  auto place = gate.quota.Take(role, streams ? CallKind::kStream : CallKind::kUnary);
  if (!place) return tl::unexpected(place.error());
  account.set_place(std::move(*place));
  return {};
}

}  // namespace

tl::expected<core::CoreRequest, Failure> Admit(Gate& gate, const Access& access,
                                               const Method& method,
                                               const google::protobuf::Message* request,
                                               grpc::CallbackServerContext& context,
                                               Accounted& account) {
  const Span span = BeginSpan(ParentOf(context), gate.spans != nullptr);
  account.set_span(span);
  context.AddInitialMetadata(kTraceparent, span.context.ToString());
  Principal* principal = Identify(access, *context.auth_context());
  if (principal == nullptr) {
    return tl::unexpected(
        Denied(gate, Denial::kUnknownName, "no name of the client's certificate has a role here"));
  }
  account.set_caller(*principal, principal->grants().front().role);
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  if (auto taken = principal->TakeCall(Instant(now)); !taken) {
    ++gate.metrics.beyond_rate;
    return tl::unexpected(taken.error());
  }
  const auto leave = LeaveFor(gate, *principal, method, request);
  if (!leave) return tl::unexpected(leave.error());
  account.set_caller(*principal, leave->role);
  if (gate.spans != nullptr && request != nullptr) {
    account.set_channel(ChannelIn(method.reach, *request));
  }
  if (gate.draining) {
    return tl::unexpected(
        Failure{Error::kDraining, "keymast-api is stopping", {}, {}, kDrainRetryMs});
  }
  if (auto taken = TakePlaces(gate, *principal, leave->role, method, account); !taken) {
    return tl::unexpected(taken.error());
  }
  core::CoreRequest frame = FrameOf(*principal, *leave, span);
  frame.set_method(method.name);
  return frame;
}

void Accounted::set_caller(const Principal& principal, Role role) {
  principal_ = principal.As(role);
  role_ = RoleName(role);
  urgency_ = role == Role::kOperator ? Urgency::kUrgent : Urgency::kOrdinary;
}

void Accounted::CutSlowest() {
  while (const auto slowest = place_.Slowest()) slowest->CutOff();
}

void Accounted::Sent(uint32_t datagrams) {
  if (gate_.spans == nullptr || !span_.context.sampled || datagrams == 0) return;
  const auto end = std::chrono::system_clock::now();
  sent_ = {BeginSpan(span_.context, true), end - (std::chrono::steady_clock::now() - asked_), end,
           datagrams};
}

void Accounted::Ended(const grpc::Status& status) const {
  const auto now = std::chrono::steady_clock::now();
  const bool streaming = method_.descriptor->server_streaming();
  gate_.metrics.Ended(method_.index, status.error_code(), now - began_, streaming);
  Log(status, now);
  if (gate_.spans != nullptr && span_.context.sampled) Export(status, now);
}

void Accounted::Log(const grpc::Status& status, Time now) const {
  const bool refused = status.error_code() == grpc::StatusCode::PERMISSION_DENIED ||
                       status.error_code() == grpc::StatusCode::UNAUTHENTICATED;
  const auto left_out = refused ? gate_.refusals.Take(principal_, now) : std::nullopt;
  const auto level = left_out ? shell::LogLevel::kWarning : shell::LogLevel::kDebug;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - began_);
  shell::Log(level, "call",
             {{"method", method_.name},
              {"principal", principal_},
              {"code", std::to_string(status.error_code())},
              {"message", status.error_message()},
              {"us", std::to_string(took.count())},
              {"trace_id", ToHex(span_.context.trace_id)},
              {"left_out", std::to_string(left_out.value_or(0))}});
}

void Accounted::Export(const grpc::Status& status, Time now) const {
  const auto end = std::chrono::system_clock::now();
  gate_.spans->Add({span_, method_.name, end - (now - began_), end, status.error_code(), role_,
                    channel_, sent_});
}

}  // namespace keymast::api
