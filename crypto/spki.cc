// SPDX-License-Identifier: Apache-2.0
// Reads public keys. OpenSSL's decoder takes as long for an RSA key as for a signature.
#include "crypto/der.h"
#include "crypto/key_maker.h"

namespace keymast::crypto {
namespace {

constexpr size_t kMaxSpki = 1024;  // a modulus of 4096 bits takes 550

}  // namespace

// RFC 5280 §4.1.2.7.
Result<PublicKey> PublicKey::FromSpki(ByteView der) {
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
  const ByteView key = bits.subspan(1);
  return *kind == KeyKind::kRsa    ? ReadRsaPublic(key)
         : *kind == KeyKind::kP256 ? ReadP256Public(key)
                                   : FromEd25519(key);
}

}  // namespace keymast::crypto
