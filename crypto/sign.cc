// SPDX-License-Identifier: Apache-2.0
#include "crypto/public_suite.h"
#include "crypto/signatures.h"

namespace keymast::crypto {

Result<size_t> Sign(const PrivateKey& key, SignatureScheme scheme, std::span<const ByteView> parts,
                    MutableBytes out) {
  const size_t size = key.signature_size();
  if (!key.Takes(scheme)) return Err(Error::kUnsupportedAlgorithm);
  if (out.size() < size) return Err(Error::kTooLong);
  switch (key.kind()) {
    case KeyKind::kRsa:
      RsaSign(key, scheme, parts, out.first(size));
      break;
    case KeyKind::kP256:
      EcdsaSign(key, parts, out.first(size));
      break;
    case KeyKind::kEd25519:
      Ed25519Sign(key, parts, out.first(size));
      break;
  }
  return size;
}

bool Verify(const PublicKey& key, SignatureScheme scheme, std::span<const ByteView> parts,
            ByteView signature) {
  // RFC 8017 §8.1.2, §8.2.2 have the length too.
  if (!key.Takes(scheme) || signature.size() != key.signature_size()) return false;
  switch (key.kind()) {
    case KeyKind::kRsa:
      return RsaVerify(key, scheme, parts, signature);
    case KeyKind::kP256:
      return EcdsaVerify(key, parts, signature);
    case KeyKind::kEd25519:
      break;
  }
  return Ed25519Verify(key, parts, signature);
}

}  // namespace keymast::crypto
