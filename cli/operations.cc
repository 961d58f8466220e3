// SPDX-License-Identifier: Apache-2.0
#include "cli/operations.h"

#include <google/protobuf/util/time_util.h>
#include <grpcpp/support/status_code_enum.h>

#include <algorithm>
#include <ostream>

#include "cli/commands.h"
#include "cli/progress.h"
#include "shell/config.h"

namespace keymast::cli {
namespace {

bool IsCancelled(const v1::Operation& operation) {
  return operation.error().code() == grpc::StatusCode::CANCELLED;
}

std::string StateCell(const v1::Operation& operation) {
  if (operation.name().empty()) return "would begin";
  if (!operation.done()) return operation.cancel_requested() ? "cancelling" : "running";
  if (IsCancelled(operation)) return "cancelled";
  return operation.has_error() ? "failed" : "done";
}

std::string DoneCell(const v1::Operation& operation) {
  if (operation.total_units() == 0) return "";
  return std::to_string(operation.done_units()) + "/" + std::to_string(operation.total_units()) +
         " " + operation.unit();
}

std::string ResultCell(const v1::Operation& operation) {
  return operation.has_response() ? ToJson(operation.response(), true) : "";
}

void WriteOperations(const v1::ListOperationsResponse& list, std::ostream& out) {
  Table table({"OPERATION", "METHOD", "STATE", "UNITS", "BEGAN", "PRINCIPAL"});
  for (const v1::Operation& operation : list.operations()) {
    table.Add({LastSegment(operation.name()), operation.method(), StateCell(operation),
               DoneCell(operation), TimeCell(operation.create_time(), operation.has_create_time()),
               operation.principal()});
  }
  table.Write(out);
}

// A wait of the server is shorter than the call may take; a bar moves each second.
Duration Round(const Context& context) {
  const Duration round = context.around.err_is_terminal ? Duration(std::chrono::seconds(1))
                                                        : Duration(std::chrono::seconds(10));
  return std::min(round, context.timeout / 2);
}

Problem ProblemOfOperation(const v1::Operation& operation) {
  const google::rpc::Status& status = operation.error();
  Problem problem = ProblemOf(status.code(), operation.name() + ": " + status.message(),
                              status.SerializeAsString());
  problem.is_outcome_known = true;
  if (IsCancelled(operation)) problem.exit = Exit::kRefused;  // somebody wanted it so
  return problem;
}

struct WaitOptions {
  std::string name;
  Duration patience{};
};

Outcome<void> Wait(Context& context, const WaitOptions& options) {
  const auto operation = Await(context, options.name, options.patience);
  if (!operation) return tl::unexpected(operation.error());
  return Show(context, *operation, WriteOperation);
}

void AddWait(Command& group) {
  Command& command = group.Add("wait", "Wait until an operation is done, and tell how far it is");
  auto& options = OptionsOf<WaitOptions>(command, Wait);
  command.Add(Named("OPERATION", "operations/", options.name));
  const Taker patience = [&options](const std::string& typed) -> Outcome<void> {
    const auto parsed = shell::ParseDuration(typed);
    if (!parsed || *parsed <= Duration::zero()) {
      return UsageProblem("\"" + typed + "\" is not a duration, as 500ms or 2s");
    }
    options.patience = *parsed;
    return {};
  };
  command.Add(
      Valued("--for", "DURATION", "Give up after this long; the operation goes on", patience));
  group.Example("keymastctl operations wait 12 --for 10m");
}

}  // namespace

void WriteOperation(const v1::Operation& operation, std::ostream& out) {
  WritePairs({{"name", operation.name()},
              {"method", operation.method()},
              {"principal", operation.principal()},
              {"state", StateCell(operation)},
              {"units", DoneCell(operation)},
              {"began", TimeCell(operation.create_time(), operation.has_create_time())},
              {"ended", TimeCell(operation.end_time(), operation.has_end_time())},
              {"error", operation.error().message()},
              {"result", ResultCell(operation)}},
             out);
}

Outcome<v1::Operation> Await(Context& context, const std::string& name, Duration patience) {
  const Instant begin = context.around.now();
  Progress progress(context.around);
  v1::WaitOperationRequest request;
  request.set_name(name);
  for (;;) {
    const Duration waited = context.around.now() - begin;
    Duration round = Round(context);
    if (patience > Duration::zero()) round = std::min(round, patience - waited);
    if (round <= Duration::zero()) {
      progress.End();
      return tl::unexpected(Problem{.exit = Exit::kUnavailable,
                                    .message = name + " is not done after " + SpanCell(waited),
                                    .advice = "it goes on: keymastctl operations wait " + name});
    }
    *request.mutable_timeout() =
        google::protobuf::util::TimeUtil::NanosecondsToDuration(round.count());
    v1::Operation operation;
    auto called = context.session.Call("Operations.WaitOperation", request, operation);
    if (!called || operation.done()) progress.End();
    if (!called) return tl::unexpected(called.error());
    if (operation.has_error()) return tl::unexpected(ProblemOfOperation(operation));
    if (operation.done()) return operation;
    progress.Tell(operation);
  }
}

Outcome<void> BeginAndShow(Context& context, const std::string& method,
                           google::protobuf::Message& request, bool wait) {
  v1::Operation operation;
  if (auto sent = Send(context, method, request, operation); !sent) return sent;
  if (wait && !operation.done() && !operation.name().empty()) {
    auto awaited = Await(context, operation.name(), Duration::zero());
    if (!awaited) return tl::unexpected(awaited.error());
    operation = std::move(*awaited);
  }
  return Show(context, operation, WriteOperation);
}

void AddOperations(Command& program) {
  Command& group = program.Add("operations", "Work that outlives its call");
  const Collection collection = {"OPERATION", "operations/"};
  AddNamed<v1::GetOperationRequest>(group, "get", "Show an operation", "Operations.GetOperation",
                                    collection, WriteOperation);
  Lists<v1::ListOperationsRequest>(group.Add("list", "List operations"),
                                   "Operations.ListOperations", WriteOperations);
  group.Example("keymastctl operations list --filter 'NOT done'");
  AddNamed<v1::CancelOperationRequest>(group, "cancel", "Ask an operation to stop",
                                       "Operations.CancelOperation", collection, WriteOperation);
  AddDelete<v1::DeleteOperationRequest, v1::DeleteOperationResponse>(
      group, "Forget an operation that is done", "Operations.DeleteOperation", collection);
  AddWait(group);
}

}  // namespace keymast::cli
