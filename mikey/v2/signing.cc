// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/signing.h"

#include "mikey/mac_check.h"

namespace keymast::mikey::v2 {

SignatureType TypeOf(crypto::KeyKind kind) {
  switch (kind) {
    case crypto::KeyKind::kRsa:
      return SignatureType::kRsaPss;
    case crypto::KeyKind::kP256:
      return SignatureType::kEcdsaP256;
    case crypto::KeyKind::kEd25519:
      break;
  }
  return SignatureType::kEd25519;
}

crypto::SignatureScheme SchemeOf(crypto::KeyKind kind) {
  switch (kind) {
    case crypto::KeyKind::kRsa:
      return crypto::SignatureScheme::kRsaPssSha256;
    case crypto::KeyKind::kP256:
      return crypto::SignatureScheme::kEcdsaP256Sha256;
    case crypto::KeyKind::kEd25519:
      break;
  }
  return crypto::SignatureScheme::kEd25519;
}

void ComputeSign(const crypto::Suite& suite, const Protection& protection,
                 const crypto::PrivateKey& key, ByteView head, MutableBytes out) {
  const Covered covered(protection.type, protection.first, protection.second, head);
  const Result<size_t> size = suite.pk->sign(key, SchemeOf(key.kind()), covered.parts(), out);
  KEYMAST_CHECK(size.has_value() && *size == out.size());
}

Status CheckSign(const crypto::Suite& suite, const Protection& protection,
                 const crypto::PublicKey& key, ByteView head, const SignPayload& sign) {
  if (sign.s_type != TypeOf(key.kind())) return Err(Error::kUnsupportedAlgorithm);
  const Covered covered(protection.type, protection.first, protection.second, head);
  const bool verified =
      suite.pk->verify(key, SchemeOf(key.kind()), covered.parts(), sign.signature);
  return SignatureIsGood(verified) ? Status() : Err(Error::kAuthenticationFailed);
}

crypto::SecretKey<crypto::kOaepKey> OpenEnvelope(const crypto::Suite& suite,
                                                 const crypto::PrivateKey& key, ByteView sealed) {
  return suite.pk->unwrap_oaep(key, sealed);
}

}  // namespace keymast::mikey::v2
