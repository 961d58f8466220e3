// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include "crypto/primitives.h"

namespace keymast::crypto {
namespace {

constexpr size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;

}  // namespace

Bytes Sealer::Seal(ByteView aad, ByteView plain, Rng& rng) const {
  Bytes sealed(kOverhead + plain.size());
  // 24 random octets do not repeat within any number of records a server can write.
  rng.Fill(MutableBytes(sealed).first(kNonce));
  const MutableBytes body = MutableBytes(sealed).subspan(kNonce);
  crypto_aead_xchacha20poly1305_ietf_encrypt(body.data(), nullptr, plain.data(), plain.size(),
                                             aad.data(), aad.size(), nullptr, sealed.data(),
                                             key_.view().data());
  return sealed;
}

Result<SecretBytes> Sealer::Open(ByteView aad, ByteView sealed) const {
  if (sealed.size() < kOverhead) return Err(Error::kDecryptionFailed);
  const ByteView body = sealed.subspan(kNonce);
  SecretBytes plain(sealed.size() - kOverhead);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data(), nullptr, nullptr, body.data(),
                                                 body.size(), aad.data(), aad.size(), sealed.data(),
                                                 key_.view().data()) != 0) {
    return Err(Error::kDecryptionFailed);
  }
  return plain;
}

}  // namespace keymast::crypto
