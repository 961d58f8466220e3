// SPDX-License-Identifier: Apache-2.0
// Opaque tokens that continue a list call behind its last item (AIP-158).
#pragma once

#include <string>

#include "base/error.h"
#include "crypto/secret.h"

namespace keymast::server {

// PageTokens makes tokens that only this server makes and only for the same list call. They outlive
// a restart, because their key follows from one that does.
class PageTokens {
 public:
  explicit PageTokens(const crypto::SecretKey<32>& root);

  // `list` names the call and its parent; `last` is the id of the last item given.
  std::string Make(std::string_view list, std::string_view last) const;
  // Read gives the id to go on behind; an empty token begins at the start. kInvalidArgument.
  Result<std::string> Read(std::string_view list, std::string_view token) const;

 private:
  crypto::SecretKey<32> key_;
};

}  // namespace keymast::server
