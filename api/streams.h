// SPDX-License-Identifier: Apache-2.0
// Forwards the streaming calls: what keymastd sends goes down through a bounded queue, so that a
// slow client is cut off and never waited for.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "api/gate.h"
#include "keymast/v1/headend.pb.h"
#include "keymast/v1/rekey.pb.h"

namespace keymast::api {

// Events or directives that may wait for one client, and their octets: as many events as keymastd
// keeps, so that a client that reads falls behind those kept before it is cut off here.
inline constexpr size_t kMaxWaiting = 16384;
inline constexpr size_t kMaxWaitingOctets = 4 << 20;

grpc::ServerWriteReactor<v1::Event>* ForwardWatch(Gate& gate, const Access& access,
                                                  grpc::CallbackServerContext* context,
                                                  const v1::WatchRequest& request);

// The stream ends with kUnavailable when the link to keymastd drops: the headend connects again.
grpc::ServerBidiReactor<v1::HeadendReport, v1::HeadendDirective>* ForwardTrafficKeys(
    Gate& gate, const Access& access, grpc::CallbackServerContext* context);

}  // namespace keymast::api
