// SPDX-License-Identifier: Apache-2.0
// From keymast's reasons to gRPC status codes: one table, and one place that fills error details.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/support/status.h>

#include "base/error.h"

namespace keymast::api {

// CodeOf returns the status code of a reason.
grpc::StatusCode CodeOf(Error error);

// ToStatus carries the failure as google.rpc.Status (AIP-193): ErrorInfo with the reason's label
// and domain `keymast`, and BadRequest, ResourceInfo, QuotaFailure, RetryInfo where there is
// something to say.
grpc::Status ToStatus(const Failure& failure);

// FillCodes gives the errors of operations that have failed their codes, which follow from the
// reason in them.
void FillCodes(google::protobuf::Message& response);

}  // namespace keymast::api
