// SPDX-License-Identifier: Apache-2.0
// The services of keymast.v1 for one listener.
#pragma once

#include <grpcpp/impl/codegen/service_type.h>

#include <memory>
#include <vector>

#include "api/gate.h"

namespace keymast::api {

// MakeServices returns the services, all with the listener's `access`; they keep `gate` by
// reference.
std::vector<std::unique_ptr<grpc::Service>> MakeServices(Gate& gate, const Access& access);

}  // namespace keymast::api
