// SPDX-License-Identifier: Apache-2.0
// How keys come into being, for this room's sources.
#pragma once

#include <openssl/param_build.h>

#include "crypto/openssl.h"
#include "crypto/public_key.h"

namespace keymast::crypto {

class KeyMaker {
 public:
  // Of kinds kRsa and kP256. `number` is what is private of it; the key passes to its new owner.
  static PublicKey Public(KeyKind kind, EVP_PKEY* key);
  static PrivateKey Private(KeyKind kind, EVP_PKEY* key, ByteView number);
  // Of kind kEd25519; each has kEd25519Key octets.
  static PublicKey Public(ByteView ed25519);
  static PrivateKey Private(const SecretKey<kEd25519Key>& seed);
};

using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;

// ImportKey makes OpenSSL's key of parameters; null when it refuses them. `selection` is
// EVP_PKEY_KEYPAIR or EVP_PKEY_PUBLIC_KEY.
EVP_PKEY* ImportKey(const char* algorithm, int selection, OSSL_PARAM_BLD* builder);

// The content of a SubjectPublicKeyInfo's bit string: kMalformed, kUnsupportedAlgorithm.
Result<PublicKey> ReadRsaPublic(ByteView der);
Result<PublicKey> ReadP256Public(ByteView point);

// ReadRsaPrivate reads PKCS#1, ReadP256Private SEC 1 (RFC 5915 §3), which names its curve where
// nothing around it does, ReadEd25519Private RFC 8410's CurvePrivateKey (§7): kMalformed,
// kUnsupportedAlgorithm.
Result<PrivateKey> ReadRsaPrivate(ByteView der);
Result<PrivateKey> ReadP256Private(ByteView der, bool is_named);
Result<PrivateKey> ReadEd25519Private(ByteView der);

}  // namespace keymast::crypto
