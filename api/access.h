// SPDX-License-Identifier: Apache-2.0
// From a gRPC call to its principal.
#pragma once

#include <grpcpp/security/auth_context.h>

#include <map>
#include <string>
#include <variant>

#include "api/principal.h"

namespace keymast::api {

// NamedPrincipals are principals by a certificate's name (subject alternative name or common name).
using NamedPrincipals = std::map<std::string, Principal>;

// Access is how a listener knows its callers: those of a Unix socket are one principal; a TLS
// client is the principal of the first of its certificate's names that the table has, or nobody. It
// borrows them.
using Access = std::variant<Principal*, NamedPrincipals*>;

// Identify gives null for a client that the table does not have.
Principal* Identify(const Access& access, const grpc::AuthContext& peer);

}  // namespace keymast::api
