// SPDX-License-Identifier: Apache-2.0
#include "crypto/pem.h"

#include <sodium.h>

#include <string>

namespace keymast::crypto {

Result<std::vector<Bytes>> PemBlocks(std::string_view text, std::string_view label) {
  const std::string begin = "-----BEGIN " + std::string(label) + "-----";
  const std::string end = "-----END " + std::string(label) + "-----";
  std::vector<Bytes> blocks;
  for (size_t at = text.find(begin); at != std::string_view::npos; at = text.find(begin)) {
    text.remove_prefix(at + begin.size());
    const std::string_view body = text.substr(0, text.find(end));
    if (body.size() == text.size()) return Err(Error::kMalformed);
    Bytes der(body.size());
    size_t size = 0;
    if (sodium_base642bin(der.data(), der.size(), body.data(), body.size(), "\r\n \t", &size,
                          nullptr, sodium_base64_VARIANT_ORIGINAL) != 0) {
      return Err(Error::kMalformed);
    }
    der.resize(size);
    blocks.push_back(std::move(der));
  }
  return blocks;
}

}  // namespace keymast::crypto
