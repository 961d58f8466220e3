// SPDX-License-Identifier: Apache-2.0
// Forwards one unary call of any method.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "api/gate.h"

namespace keymast::api {

// ForwardUnary returns the reactor of one call; `request` and `response` live as long as it.
grpc::ServerUnaryReactor* ForwardUnary(Gate& gate, const Access& access, const Method& method,
                                       grpc::CallbackServerContext* context,
                                       const google::protobuf::Message& request,
                                       google::protobuf::Message* response);

}  // namespace keymast::api
