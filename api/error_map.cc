// SPDX-License-Identifier: Apache-2.0
#include "api/error_map.h"

#include <array>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"
#include "google/rpc/status.pb.h"
#include "keymast/v1/operation.pb.h"

namespace keymast::api {
namespace {

using grpc::StatusCode;

struct Row {
  Error error;
  StatusCode code;
};

// One row per reason, in the order of KEYMAST_ERRORS; the static_assert below holds it to that.
constexpr std::array kRows = {
    // Octets of a request that cannot be read.
    Row{Error::kTruncated, StatusCode::INVALID_ARGUMENT},
    Row{Error::kTrailingOctets, StatusCode::INVALID_ARGUMENT},
    Row{Error::kTooLong, StatusCode::INVALID_ARGUMENT},
    Row{Error::kMalformed, StatusCode::INVALID_ARGUMENT},
    Row{Error::kNotCanonical, StatusCode::INVALID_ARGUMENT},
    Row{Error::kUnknownVersion, StatusCode::INVALID_ARGUMENT},
    Row{Error::kUnknownDataType, StatusCode::INVALID_ARGUMENT},
    Row{Error::kUnknownPayload, StatusCode::INVALID_ARGUMENT},
    Row{Error::kTooManyPayloads, StatusCode::INVALID_ARGUMENT},
    Row{Error::kPayloadMissing, StatusCode::INVALID_ARGUMENT},
    Row{Error::kPayloadUnexpected, StatusCode::INVALID_ARGUMENT},
    Row{Error::kUnsupportedAlgorithm, StatusCode::INVALID_ARGUMENT},
    Row{Error::kUnsupportedPolicy, StatusCode::INVALID_ARGUMENT},
    // Reasons of datagrams: none is ever the answer to a call, except through an import of octets.
    Row{Error::kUnknownChannel, StatusCode::NOT_FOUND},
    Row{Error::kUnknownIdentity, StatusCode::NOT_FOUND},
    Row{Error::kUnknownKey, StatusCode::NOT_FOUND},
    Row{Error::kWrongCsb, StatusCode::INVALID_ARGUMENT},
    Row{Error::kWrongSource, StatusCode::PERMISSION_DENIED},
    Row{Error::kRateLimited, StatusCode::RESOURCE_EXHAUSTED},
    Row{Error::kReplayed, StatusCode::FAILED_PRECONDITION},
    Row{Error::kOutsideInterval, StatusCode::FAILED_PRECONDITION},
    Row{Error::kAlreadyHeld, StatusCode::ALREADY_EXISTS},
    Row{Error::kUnexpected, StatusCode::FAILED_PRECONDITION},
    Row{Error::kAuthenticationFailed, StatusCode::UNAUTHENTICATED},
    Row{Error::kDecryptionFailed, StatusCode::INVALID_ARGUMENT},
    Row{Error::kCertificateUntrusted, StatusCode::UNAUTHENTICATED},
    Row{Error::kCertificateExpired, StatusCode::UNAUTHENTICATED},
    Row{Error::kCertificateRevoked, StatusCode::UNAUTHENTICATED},
    Row{Error::kInvalidArgument, StatusCode::INVALID_ARGUMENT},
    Row{Error::kPolicyViolation, StatusCode::INVALID_ARGUMENT},
    Row{Error::kNotFound, StatusCode::NOT_FOUND},
    Row{Error::kAlreadyExists, StatusCode::ALREADY_EXISTS},
    Row{Error::kEtagMismatch, StatusCode::ABORTED},  // AIP-154
    Row{Error::kFailedPrecondition, StatusCode::FAILED_PRECONDITION},
    Row{Error::kNotEntitled, StatusCode::FAILED_PRECONDITION},
    Row{Error::kSsrcInUse, StatusCode::ALREADY_EXISTS},
    Row{Error::kPermissionDenied, StatusCode::PERMISSION_DENIED},
    Row{Error::kUnauthenticated, StatusCode::UNAUTHENTICATED},
    Row{Error::kTooManyRequests, StatusCode::RESOURCE_EXHAUSTED},
    Row{Error::kQuotaExceeded, StatusCode::RESOURCE_EXHAUSTED},
    Row{Error::kRequestIdReused, StatusCode::FAILED_PRECONDITION},
    Row{Error::kCancelled, StatusCode::CANCELLED},
    Row{Error::kUnavailable, StatusCode::UNAVAILABLE},
    Row{Error::kDraining, StatusCode::UNAVAILABLE},
    Row{Error::kUnimplemented, StatusCode::UNIMPLEMENTED},
    Row{Error::kInternal, StatusCode::INTERNAL},
    Row{Error::kIdsExhausted, StatusCode::RESOURCE_EXHAUSTED},
    Row{Error::kCounterExhausted, StatusCode::RESOURCE_EXHAUSTED},
    Row{Error::kIndexExhausted, StatusCode::RESOURCE_EXHAUSTED},
    Row{Error::kConflict, StatusCode::ABORTED},
    Row{Error::kFenced, StatusCode::UNAVAILABLE},
    Row{Error::kNoSpace, StatusCode::RESOURCE_EXHAUSTED},
    Row{Error::kOutcomeUnknown, StatusCode::UNAVAILABLE},
    Row{Error::kStoreClosed, StatusCode::UNAVAILABLE},
    Row{Error::kAuditBlocked, StatusCode::UNAVAILABLE},
    Row{Error::kBatchTooLarge, StatusCode::INVALID_ARGUMENT},
    Row{Error::kCompacted, StatusCode::OUT_OF_RANGE},
    Row{Error::kCorrupt, StatusCode::DATA_LOSS},
    Row{Error::kRolledBack, StatusCode::DATA_LOSS},
    Row{Error::kInUse, StatusCode::FAILED_PRECONDITION},
    Row{Error::kNewerFormat, StatusCode::FAILED_PRECONDITION},
    Row{Error::kWrongMasterKey, StatusCode::FAILED_PRECONDITION},
    Row{Error::kIo, StatusCode::INTERNAL},
    Row{Error::kNoInterface, StatusCode::FAILED_PRECONDITION},
    Row{Error::kNoBufferSpace, StatusCode::UNAVAILABLE},
    Row{Error::kSendFailed, StatusCode::UNAVAILABLE},
};

constexpr bool EveryReasonHasItsRow() {
  if (kRows.size() != kErrorCount) return false;
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<size_t>(kRows[i].error) != i) return false;
  }
  return true;
}
static_assert(EveryReasonHasItsRow());

// The collection that a resource belongs to: `channels/one/members/a` is a `members`.
std::string ResourceType(const std::string& name) {
  const size_t last = name.rfind('/');
  if (last == std::string::npos || last == 0) return name;
  const size_t before = name.rfind('/', last - 1);
  const size_t begin = before == std::string::npos ? 0 : before + 1;
  return "keymast.v1/" + name.substr(begin, last - begin);
}

}  // namespace

grpc::StatusCode CodeOf(Error error) { return kRows[static_cast<size_t>(error)].code; }

grpc::Status ToStatus(const Failure& failure) {
  const StatusCode code = CodeOf(failure.error);
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(failure.message);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(ErrorName(failure.error)));
  info.set_domain("keymast");
  status.add_details()->PackFrom(info);
  if (!failure.violations.empty()) {
    google::rpc::BadRequest bad;
    for (const FieldViolation& violation : failure.violations) {
      auto* one = bad.add_field_violations();
      one->set_field(violation.field);
      one->set_description(violation.description);
    }
    status.add_details()->PackFrom(bad);
  }
  if (!failure.resource.empty()) {
    google::rpc::ResourceInfo resource;
    resource.set_resource_type(ResourceType(failure.resource));
    resource.set_resource_name(failure.resource);
    resource.set_description(failure.message);
    status.add_details()->PackFrom(resource);
  }
  if (!failure.limit.name.empty()) {
    google::rpc::QuotaFailure quota;
    auto* violation = quota.add_violations();
    violation->set_subject(failure.limit.name);
    violation->set_description(failure.limit.allows);
    status.add_details()->PackFrom(quota);
  }
  if (failure.retry_after_ms > 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(failure.retry_after_ms / 1000);
    retry.mutable_retry_delay()->set_nanos(
        static_cast<int32_t>(failure.retry_after_ms % 1000 * 1'000'000));
    status.add_details()->PackFrom(retry);
  }
  return {code, failure.message, status.SerializeAsString()};
}

void FillCodes(google::protobuf::Message& response) {
  const auto fill = [](v1::Operation& operation) {
    if (!operation.has_error()) return;
    Error reason = Error::kInternal;
    for (const google::protobuf::Any& detail : operation.error().details()) {
      google::rpc::ErrorInfo info;
      if (detail.UnpackTo(&info)) ErrorFromName(info.reason(), reason);
    }
    operation.mutable_error()->set_code(CodeOf(reason));
  };
  if (auto* one = dynamic_cast<v1::Operation*>(&response)) return fill(*one);
  auto* list = dynamic_cast<v1::ListOperationsResponse*>(&response);
  if (list == nullptr) return;
  for (v1::Operation& operation : *list->mutable_operations()) fill(operation);
}

}  // namespace keymast::api
