// SPDX-License-Identifier: Apache-2.0
#include "api/access.h"

#include <grpc/grpc_security_constants.h>

namespace keymast::api {

std::optional<Principal> Identify(const Access& access, const grpc::AuthContext& peer) {
  if (const Role* role = std::get_if<Role>(&access)) return Principal{*role, {}};
  if (!peer.IsPeerAuthenticated()) return std::nullopt;
  const auto& table = std::get<PrincipalTable>(access);
  for (const char* property : {GRPC_X509_SAN_PROPERTY_NAME, GRPC_X509_CN_PROPERTY_NAME}) {
    for (const grpc::string_ref& value : peer.FindPropertyValues(property)) {
      const auto found = table.find(std::string(value.data(), value.size()));
      if (found != table.end()) return Principal{found->second, found->first};
    }
  }
  return std::nullopt;
}

}  // namespace keymast::api
