// SPDX-License-Identifier: Apache-2.0
// Reads public keys. OpenSSL's decoder takes as long for an RSA key as for a signature.
#include <openssl/x509.h>

#include "crypto/der.h"
#include "crypto/key_maker.h"

namespace keymast::crypto {
namespace {

constexpr size_t kMaxSpki = 1024;  // a modulus of 4096 bits takes 550

struct Parts {
  KeyKind kind;
  ByteView key;
};

// RFC 5280 §4.1.2.7.
Result<Parts> PartsOf(ByteView der) {
  if (der.size() > kMaxSpki) return Err(Error::kTooLong);
  const Result<ByteView> content = TakeOnly(der, kDerSequence);
  if (!content) return Err(content.error());
  Reader reader(*content);
  const ByteView algorithm = TakeElement(reader, kDerSequence);
  const ByteView bits = TakeElement(reader, kDerBitString);
  if (!reader.Finish()) return Err(Error::kMalformed);
  const std::optional<KeyKind> kind = KindOfAlgorithm(algorithm);
  if (!kind) return Err(Error::kUnsupportedAlgorithm);
  if (bits.empty() || bits[0] != 0) return Err(Error::kMalformed);  // no unused bits
  return Parts{*kind, bits.subspan(1)};
}

}  // namespace

Result<PublicKey> PublicKey::FromSpki(ByteView der) {
  const Result<Parts> parts = PartsOf(der);
  if (!parts) return Err(parts.error());
  return parts->kind == KeyKind::kRsa    ? ReadRsaPublic(parts->key)
         : parts->kind == KeyKind::kP256 ? ReadP256Public(parts->key)
                                         : FromEd25519(parts->key);
}

// RFC 8410 §4 for Ed25519.
Bytes PublicKey::ToSpki() const {
  if (kind_ == KeyKind::kEd25519) {
    Bytes der = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    der.insert(der.end(), ed25519().begin(), ed25519().end());
    return der;
  }
  const int size = i2d_PUBKEY(native(), nullptr);
  KEYMAST_CHECK(size > 0);
  Bytes der(static_cast<size_t>(size));
  unsigned char* at = der.data();
  KEYMAST_CHECK(i2d_PUBKEY(native(), &at) == size);
  return der;
}

std::optional<KeyForm> PublicKey::FormIn(ByteView spki) {
  const Result<Parts> parts = PartsOf(spki);
  if (!parts) return std::nullopt;
  if (parts->kind != KeyKind::kRsa) return KeyForm{parts->kind, kEcSignature};
  // RFC 8017 §A.1.1: the modulus is positive, and so may begin with a zero.
  Reader outer(parts->key);
  Reader numbers(TakeElement(outer, kDerSequence));
  const ByteView modulus = TakeElement(numbers, kDerInteger);
  if (!outer.ok() || !numbers.ok() || modulus.empty()) return std::nullopt;
  return KeyForm{KeyKind::kRsa, modulus.size() - size_t{modulus[0] == 0}};
}

}  // namespace keymast::crypto
