// SPDX-License-Identifier: Apache-2.0
// Keys over P-256, and the private form of Ed25519 beside them.
#include <openssl/core_names.h>

#include "crypto/der.h"
#include "crypto/key_maker.h"
#include "crypto/p256.h"

namespace keymast::crypto {
namespace {

EVP_PKEY* ImportPair(ByteView point, const BIGNUM* scalar) {
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  KEYMAST_CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                                "prime256v1", 0) == 1 &&
                OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                                 point.data(), point.size()) == 1 &&
                OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1);
  return ImportKey("EC", EVP_PKEY_KEYPAIR, builder.get());
}

// A key without its values: OpenSSL looks up a curve by its name slower than it verifies.
EVP_PKEY* Curve() {
  static EVP_PKEY* const curve = EVP_EC_gen("P-256");
  KEYMAST_CHECK(curve != nullptr);
  return curve;
}

// ImportPoint is null for a point off the curve.
EVP_PKEY* ImportPoint(ByteView point) {
  EVP_PKEY* key = EVP_PKEY_new();
  KEYMAST_CHECK(key != nullptr && EVP_PKEY_copy_parameters(key, Curve()) == 1);
  if (EVP_PKEY_set1_encoded_public_key(key, point.data(), point.size()) == 1) return key;
  EVP_PKEY_free(key);
  return nullptr;
}

bool IsPoint(ByteView bit_string, ByteView point) {
  const Result<ByteView> bits = TakeOnly(bit_string, kDerBitString);
  return bits && !bits->empty() && (*bits)[0] == 0 && Equal(bits->subspan(1), point);
}

}  // namespace

// RFC 5480 §2.2. The compressed form is taken nowhere else here either.
Result<PublicKey> ReadP256Public(ByteView point) {
  if (!point.empty() && (point[0] == 2 || point[0] == 3)) return Err(Error::kUnsupportedAlgorithm);
  if (point.size() != kP256Point || point[0] != 4) return Err(Error::kMalformed);
  const ErrorsDropped dropped;
  EVP_PKEY* key = ImportPoint(point);
  if (key == nullptr) return Err(Error::kMalformed);
  return KeyMaker::Public(KeyKind::kP256, key);
}

Result<PrivateKey> ReadP256Private(ByteView der, bool is_named) {
  const Result<ByteView> content = TakeOnly(der, kDerSequence);
  if (!content) return Err(Error::kMalformed);
  Reader reader(*content);
  const ByteView version = TakeElement(reader, kDerInteger);
  const ByteView scalar = TakeElement(reader, kDerOctetString);
  const ByteView curve = TakeOptional(reader, kDerTagged0);
  const ByteView own = TakeOptional(reader, kDerTagged1);
  if (!reader.Finish() || version.size() != 1 || version[0] != 1) return Err(Error::kMalformed);
  if (curve.empty() ? !is_named : !IsP256Name(curve)) return Err(Error::kUnsupportedAlgorithm);
  std::array<uint8_t, kP256Point> point{};
  if (!P256Public(scalar, point)) return Err(Error::kMalformed);
  if (!own.empty() && !IsPoint(own, point)) return Err(Error::kMalformed);
  const ErrorsDropped dropped;
  const Bignum number(BN_secure_new());
  KEYMAST_CHECK(number != nullptr &&
                BN_bin2bn(scalar.data(), static_cast<int>(scalar.size()), number.get()) != nullptr);
  EVP_PKEY* key = ImportPair(point, number.get());
  if (key == nullptr) return Err(Error::kMalformed);
  return KeyMaker::Private(KeyKind::kP256, key, scalar);
}

Result<PrivateKey> ReadEd25519Private(ByteView der) {
  const Result<ByteView> seed = TakeOnly(der, kDerOctetString);
  if (!seed || seed->size() != kEd25519Key) return Err(Error::kMalformed);
  return PrivateKey::FromEd25519(SecretKey<kEd25519Key>(*seed));
}

}  // namespace keymast::crypto
