// SPDX-License-Identifier: Apache-2.0
#include "api/gate.h"

#include <algorithm>

#include "base/bytes.h"
#include "shell/log.h"

namespace keymast::api {
namespace {

constexpr uint32_t kDrainRetryMs = 1000;

}  // namespace

tl::expected<core::CoreRequest, Failure> Admit(Gate& gate, const Access& access,
                                               const Method& method,
                                               const grpc::CallbackServerContext& context,
                                               Accounted& account) {
  const auto principal = Identify(access, *context.auth_context());
  if (!principal) {
    return Fail(Error::kUnauthenticated, "no name of the client's certificate has a role here");
  }
  account.set_principal(*principal);
  if (!method.Allows(principal->role)) {
    return Fail(Error::kPermissionDenied,
                "role " + std::string(RoleName(principal->role)) + " may not call " + method.name);
  }
  if (gate.draining) {
    return tl::unexpected(
        Failure{Error::kDraining, "keymast-api is stopping", {}, {}, kDrainRetryMs});
  }
  auto place =
      gate.quota.Take(principal->role,
                      method.descriptor->server_streaming() ? CallKind::kStream : CallKind::kUnary);
  if (!place) return tl::unexpected(place.error());
  account.set_place(std::move(*place));
  core::CoreRequest frame;
  frame.set_principal(ToString(*principal));
  frame.set_method(method.name);
  return frame;
}

void Accounted::set_principal(const Principal& principal) {
  principal_ = ToString(principal);
  urgency_ = principal.role == Role::kOperator ? Urgency::kUrgent : Urgency::kOrdinary;
}

void Accounted::CutSlowest() {
  while (const auto slowest = place_.Slowest()) slowest->CutOff();
}

void Accounted::Ended(const grpc::Status& status) const {
  const auto now = std::chrono::steady_clock::now();
  const auto took = now - began_;
  const bool streaming = method_.descriptor->server_streaming();
  gate_.metrics.Ended(method_.index, status.error_code(), took, streaming);
  const bool refused = status.error_code() == grpc::StatusCode::PERMISSION_DENIED ||
                       status.error_code() == grpc::StatusCode::UNAUTHENTICATED;
  const auto left_out = refused ? gate_.refusals.Take(principal_, now) : std::nullopt;
  const auto level = left_out ? shell::LogLevel::kWarning : shell::LogLevel::kDebug;
  shell::Log(
      level, "call",
      {{"method", method_.name},
       {"principal", principal_},
       {"code", std::to_string(status.error_code())},
       {"message", status.error_message()},
       {"us", std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(took).count())},
       {"left_out", std::to_string(left_out.value_or(0))}});
}

}  // namespace keymast::api
