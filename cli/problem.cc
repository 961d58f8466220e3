// SPDX-License-Identifier: Apache-2.0
#include "cli/problem.h"

#include <grpcpp/support/status_code_enum.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"

namespace keymast::cli {
namespace {

Exit ExitOf(int code) {
  switch (code) {
    case grpc::StatusCode::OK:
      return Exit::kDone;
    case grpc::StatusCode::NOT_FOUND:
      return Exit::kNotFound;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::CANCELLED:
      return Exit::kUnavailable;
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return Exit::kPermission;
    default:
      return Exit::kRefused;
  }
}

// Without an answer, or with one that says so, what was asked may have been done.
bool IsOutcomeKnown(int code, const std::string& reason) {
  for (const char* undone : {"audit_blocked", "no_space", "draining"}) {
    if (reason == undone) return true;
  }
  return code != grpc::StatusCode::UNAVAILABLE && code != grpc::StatusCode::DEADLINE_EXCEEDED &&
         code != grpc::StatusCode::CANCELLED;
}

// What a person can do, by reason; reasons whose message says it all have no row.
std::string AdviceOf(const std::string& reason, int code) {
  static const std::pair<const char*, const char*> kRows[] = {
      {"no_space", "make room on the disk that holds the server's data; keys on air go on"},
      {"store_closed", "a disk failed under the server: look at its log, then restart keymastd"},
      {"audit_blocked", "make room in the server's audit_sink, or have it read; keys on air go on"},
      {"etag_mismatch", "somebody changed it meanwhile: get it again, then repeat"},
      {"too_many_requests", "wait a moment, then repeat"},
      {"compacted", "these events are no longer kept: list the resources, then watch from now on"},
      {"not_entitled", "check the member's entitlement window: keymastctl members get"},
      {"permission_denied", "use the socket or certificate of a role that may: --server"},
      {"unauthenticated", "add the certificate's name to [tls.principals] of keymast-api"},
  };
  for (const auto& [known, advice] : kRows) {
    if (reason == known) return advice;
  }
  if (reason.empty() && code == grpc::StatusCode::UNAVAILABLE) {
    return "is keymast-api running, and is --server right?";
  }
  return {};
}

void ReadDetails(const google::rpc::Status& status, Problem& problem) {
  for (const auto& detail : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::ResourceInfo resource;
    google::rpc::QuotaFailure quota;
    if (detail.UnpackTo(&info)) {
      problem.reason = info.reason();
    } else if (detail.UnpackTo(&bad)) {
      for (const auto& one : bad.field_violations()) {
        problem.violations.emplace_back(one.field(), one.description());
      }
    } else if (detail.UnpackTo(&resource)) {
      problem.resource = resource.resource_name();
    } else if (detail.UnpackTo(&quota)) {
      for (const auto& one : quota.violations()) {
        problem.violations.emplace_back("limit of " + one.subject(), one.description());
      }
    }
  }
}

}  // namespace

Problem ProblemOf(int code, const std::string& message, const std::string& details) {
  Problem problem{.exit = ExitOf(code), .message = message};
  problem.is_unimplemented = code == grpc::StatusCode::UNIMPLEMENTED;
  google::rpc::Status status;
  if (!details.empty() && status.ParseFromString(details)) ReadDetails(status, problem);
  // What there may be at most does not grow with time, other than a rate.
  if (problem.reason == "quota_exceeded") problem.exit = Exit::kRefused;
  problem.is_outcome_known = IsOutcomeKnown(code, problem.reason);
  problem.advice = AdviceOf(problem.reason, code);
  return problem;
}

std::string ToText(const Problem& problem) {
  std::string text = problem.program + ": " + problem.message;
  if (!problem.reason.empty()) text += " [" + problem.reason + "]";
  text += "\n";
  const bool named = problem.message.find(problem.resource) != std::string::npos;
  if (!problem.resource.empty() && !named) text += "  resource: " + problem.resource + "\n";
  for (const auto& [field, description] : problem.violations) {
    text.append("  ").append(field).append(": ").append(description).append("\n");
  }
  if (!problem.advice.empty()) text += "  " + problem.advice + "\n";
  return text;
}

}  // namespace keymast::cli
