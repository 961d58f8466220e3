// SPDX-License-Identifier: Apache-2.0
// ECDSA over P-256 (FIPS 186-5 §6.4). OpenSSL has signatures in DER, MIKEYv2 as r || s.
#include <openssl/ec.h>

#include "crypto/der.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "crypto/signatures.h"

namespace keymast::crypto {
namespace {

using Signature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG_free>>;
using Der = std::array<uint8_t, 72>;  // the longest

PkeyContext Prepared(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*), const EVP_MD* digest) {
  PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  KEYMAST_CHECK(context != nullptr && init(context.get()) == 1 &&
                EVP_PKEY_CTX_set_signature_md(context.get(), digest) == 1);
  return context;
}

void FromDer(ByteView der, MutableBytes out) {
  Reader reader(TakeOnly(der, kDerSequence).value());
  for (const MutableBytes half : {out.first(kP256Scalar), out.last(kP256Scalar)}) {
    const Bignum number = TakeNumber(reader);
    KEYMAST_CHECK(number != nullptr && BN_bn2binpad(number.get(), half.data(), kP256Scalar) >= 0);
  }
}

// ToDer returns the length. Whether r and s are from 1 to n-1 OpenSSL asks when it verifies.
size_t ToDer(ByteView octets, Der& der) {
  const Signature signature(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(octets.data(), kP256Scalar, nullptr);
  BIGNUM* s = BN_bin2bn(octets.subspan(kP256Scalar).data(), kP256Scalar, nullptr);
  KEYMAST_CHECK(signature != nullptr && ECDSA_SIG_set0(signature.get(), r, s) == 1);
  uint8_t* out = der.data();
  return static_cast<size_t>(i2d_ECDSA_SIG(signature.get(), &out));
}

}  // namespace

void EcdsaSign(const PrivateKey& key, std::span<const ByteView> parts, MutableBytes out) {
  const Digest digest(Hash::kSha256, parts);
  const PkeyContext context = Prepared(key.native(), EVP_PKEY_sign_init, digest.algorithm());
  Der der{};
  size_t size = der.size();
  KEYMAST_CHECK(EVP_PKEY_sign(context.get(), der.data(), &size, digest.octets().data(),
                              digest.octets().size()) == 1);
  FromDer(ByteView(der).first(size), out);
}

bool EcdsaVerify(const PublicKey& key, std::span<const ByteView> parts, ByteView signature) {
  const ErrorsDropped dropped;
  const Digest digest(Hash::kSha256, parts);
  const PkeyContext context = Prepared(key.native(), EVP_PKEY_verify_init, digest.algorithm());
  Der der{};
  const size_t size = ToDer(signature, der);
  return EVP_PKEY_verify(context.get(), der.data(), size, digest.octets().data(),
                         digest.octets().size()) == 1;
}

}  // namespace keymast::crypto
