// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/openssl.h"
#include "crypto/primitives.h"

namespace keymast::crypto {

// Digest hashes the parts of what is signed, which are public.
class Digest {
 public:
  Digest(Hash hash, std::span<const ByteView> parts);
  const EVP_MD* algorithm() const { return md_; }
  ByteView octets() const { return ByteView(octets_).first(size_); }

 private:
  const EVP_MD* md_;
  std::array<uint8_t, 32> octets_{};
  unsigned size_ = 0;
};

}  // namespace keymast::crypto
