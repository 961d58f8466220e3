// SPDX-License-Identifier: Apache-2.0
// From a gRPC call to its principal.
#pragma once

#include <grpcpp/security/auth_context.h>

#include <map>
#include <optional>
#include <string>
#include <variant>

#include "api/roles.h"

namespace keymast::api {

// PrincipalTable gives the role of a certificate name (common name or subject alternative name).
using PrincipalTable = std::map<std::string, Role>;

// Access is how a listener knows its callers: every caller of a Unix socket has the socket's role;
// a TLS client has the role of the first of its certificate's names that the table has, or none.
using Access = std::variant<Role, PrincipalTable>;

// Identify returns nothing for a client that the table does not have.
std::optional<Principal> Identify(const Access& access, const grpc::AuthContext& peer);

}  // namespace keymast::api
