// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include "crypto/primitives.h"

namespace keymast::crypto {

std::array<uint8_t, 32> Sha256(ByteView data) {
  std::array<uint8_t, 32> digest{};
  unsigned length = 0;
  KEYMAST_CHECK(
      EVP_Digest(data.data(), data.size(), digest.data(), &length, EVP_sha256(), nullptr) == 1);
  return digest;
}

}  // namespace keymast::crypto
