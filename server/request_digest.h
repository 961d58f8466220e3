// SPDX-License-Identifier: Apache-2.0
// What of a request makes it the same request again.
#pragma once

#include <google/protobuf/message.h>

#include <optional>
#include <span>
#include <string>

#include "base/ids.h"
#include "crypto/secret.h"

namespace keymast::server {

// RequestIdOf reads a UUID; nothing where it is none.
std::optional<RequestId> RequestIdOf(const std::string& text);
std::string ToText(const RequestId& id);  // as 8-4-4-4-12 digits

// Digests make digests of requests under a key that follows from `root`: they are kept on disk, and
// say nothing to who has not that key.
class Digests {
 public:
  explicit Digests(const crypto::SecretKey<32>& root);

  // Of is over the method and everything that the request says but its id. Credentials are sealed
  // anew at each try: in their place stand `secrets`, in order.
  RequestDigest Of(std::string_view method, const google::protobuf::Message& request,
                   std::span<const ByteView> secrets = {}) const;

 private:
  crypto::SecretKey<32> key_;
};

}  // namespace keymast::server
