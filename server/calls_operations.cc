// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "server/calls.h"
#include "server/filter.h"

namespace keymast::server {
namespace {

constexpr Duration kMostWaiting = std::chrono::minutes(1);
constexpr size_t kMostWaiters = 1024;
constexpr size_t kMostTargetOctets = 128 * 1024;  // of ids: they stand in one change
constexpr Duration kMostSpread = std::chrono::hours(24 * 31);

}  // namespace

bool Calls::Operation(const Caller& caller, const core::CoreRequest& request) {
  switch (request.request_case()) {
    case core::CoreRequest::kRekeyChannels:
      return RekeyChannels(caller, request.rekey_channels()), true;
    case core::CoreRequest::kCancelOperation:
      return CancelOperation(caller, request.cancel_operation()), true;
    case core::CoreRequest::kDeleteOperation:
      return DeleteOperation(caller, request.delete_operation()), true;
    case core::CoreRequest::kWaitOperation:
      return WaitOperation(caller, request.wait_operation()), true;
    default:
      return false;
  }
}

// Begin makes up an id from the time; one that is taken is refused, and asked for again.
void Calls::Begin(const Caller& caller, const Ask& ask, rekey::Operation operation) {
  const char* prefix = operation.kind == rekey::OperationKind::kRekeyChannels ? "rekey-"
                       : operation.kind == rekey::OperationKind::kBackup      ? "backup-"
                                                                              : "master-key-";
  operation.id = OperationId(prefix + std::to_string(ToUnixNanos(shard_.Now()) / 1000));
  operation.principal = asker_.principal;
  Do(caller, ask, controller::BeginOperation{operation},
     [&](const controller::Reply& done, core::CoreReply& reply) {
       const auto made = state().operations.find(OperationId(done.made));
       *reply.mutable_operation() =
           ToProto(made == state().operations.end() ? operation : made->second);
       // One that was only checked has none.
       reply.mutable_operation()->set_name(done.made.empty() ? "" : NameOf(OperationId(done.made)));
     });
}

void Calls::RekeyChannels(const Caller& caller, const v1::RekeyChannelsRequest& request) {
  Violations violations;
  const auto filter = Filter::Parse(request.filter(), *v1::Channel::descriptor());
  if (!filter) return Refuse(caller, filter.error());
  if (request.level() != v1::MTK && request.level() != v1::MSK) {
    violations.Add("level", "must be MTK or MSK");
  }
  rekey::Operation operation;
  operation.kind = rekey::OperationKind::kRekeyChannels;
  operation.subject = request.level() == v1::MSK ? "msk" : "mtk";
  operation.spread = FromProto(request.spread(), "spread", violations);
  if (operation.spread > kMostSpread) violations.Add("spread", "must be at most 31 days");
  if (!violations.empty()) return Refuse(caller, std::move(violations).Failed().value());
  size_t octets = 0;
  for (const auto& [id, channel] : state().channels) {
    if (!asker_.scope.Has(id)) continue;
    if (filter->IsEmpty() || filter->Matches(ToProto(shard_.controller(), channel))) {
      octets += id.value.size();
      operation.targets.push_back(id.value);
    }
  }
  if (octets > kMostTargetOctets) {
    return Refuse(caller, Wrong("filter", "takes in too many channels at once: their ids have " +
                                              std::to_string(octets) + " octets, at most " +
                                              std::to_string(kMostTargetOctets)));
  }
  Begin(caller, AskOf(request), std::move(operation));
}

void Calls::CancelOperation(const Caller& caller, const v1::CancelOperationRequest& request) {
  const auto id = OperationOf(request.name());
  if (!id) return Refuse(caller, NoSuch(request.name(), "name", kOperationForm));
  Do(caller, AskOf(request), controller::CancelOperation{*id},
     [&](const controller::Reply&, core::CoreReply& reply) {
       const auto found = state().operations.find(*id);
       reply.mutable_operation()->set_name(request.name());
       if (found == state().operations.end()) return;
       *reply.mutable_operation() = ToProto(found->second);
       // Also of a check, which asks for nothing.
       if (!found->second.progress.IsDone()) reply.mutable_operation()->set_cancel_requested(true);
     });
}

void Calls::DeleteOperation(const Caller& caller, const v1::DeleteOperationRequest& request) {
  const auto id = OperationOf(request.name());
  if (!id) return Refuse(caller, NoSuch(request.name(), "name", kOperationForm));
  Do(caller, AskOf(request), controller::DeleteOperation{*id, request.allow_missing()},
     [](const controller::Reply&, core::CoreReply& reply) { reply.mutable_delete_operation(); });
}

void Calls::WaitOperation(const Caller& caller, const v1::WaitOperationRequest& request) {
  const auto id = OperationOf(request.name());
  if (!id || !state().operations.contains(*id))
    return Refuse(caller, NoSuch(request.name(), "name", kOperationForm));
  Violations violations;
  const Duration timeout =
      request.has_timeout() ? FromProto(request.timeout(), "timeout", violations) : kMostWaiting;
  if (!violations.empty()) return Refuse(caller, std::move(violations).Failed().value());
  if (waiting_.size() >= kMostWaiters) {
    return Refuse(caller, {Error::kTooManyRequests, "too many wait for operations", {}, {}, 1000});
  }
  waiting_.push_back({caller, *id, shard_.Now() + std::min(timeout, kMostWaiting)});
  AnswerWaiting();
}

void Calls::AnswerWaiting() {
  const Instant now = shard_.Now();
  std::erase_if(waiting_, [&](const Waiting& one) {
    const auto found = state().operations.find(one.operation);
    if (found == state().operations.end()) {
      Refuse(one.caller, NotThere(NameOf(one.operation)));
      return true;
    }
    if (!found->second.progress.IsDone() && now < one.until) return false;
    core::CoreReply reply;
    *reply.mutable_operation() = ToProto(found->second);
    Answer(one.caller, std::move(reply));
    return true;
  });
}

void Calls::Turn() {
  if (!waiting_.empty()) AnswerWaiting();
}

Instant Calls::NextDeadline() const {
  Instant at = kNever;
  for (const Waiting& one : waiting_) at = std::min(at, one.until);
  return at;
}

}  // namespace keymast::server
