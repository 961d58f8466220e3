// SPDX-License-Identifier: Apache-2.0
#include "api/access.h"

#include <grpc/grpc_security_constants.h>

namespace keymast::api {

Principal* Identify(const Access& access, const grpc::AuthContext& peer) {
  if (Principal* const* principal = std::get_if<Principal*>(&access)) return *principal;
  if (!peer.IsPeerAuthenticated()) return nullptr;
  NamedPrincipals& table = *std::get<NamedPrincipals*>(access);
  for (const char* property : {GRPC_X509_SAN_PROPERTY_NAME, GRPC_X509_CN_PROPERTY_NAME}) {
    for (const grpc::string_ref& value : peer.FindPropertyValues(property)) {
      const auto found = table.find(std::string(value.data(), value.size()));
      if (found != table.end()) return &found->second;
    }
  }
  return nullptr;
}

}  // namespace keymast::api
