// SPDX-License-Identifier: Apache-2.0
// Forwards the streaming calls: what keymastd sends goes down through a bounded queue, so that a
// slow client is cut off and never waited for.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "api/gate.h"
#include "keymast/v1/headend.pb.h"
#include "keymast/v1/rekey.pb.h"

namespace keymast::api {

// Events or directives that may wait for one client.
inline constexpr size_t kMaxWaiting = 4096;

grpc::ServerWriteReactor<v1::Event>* ForwardWatch(Gate& gate, const Access& access,
                                                  grpc::CallbackServerContext* context,
                                                  const v1::WatchRequest& request);

// The stream ends with kUnavailable when the link to keymastd drops: the headend connects again.
grpc::ServerBidiReactor<v1::HeadendReport, v1::HeadendDirective>* ForwardTrafficKeys(
    Gate& gate, const Access& access, grpc::CallbackServerContext* context);

}  // namespace keymast::api
