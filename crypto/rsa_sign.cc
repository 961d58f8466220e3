// SPDX-License-Identifier: Apache-2.0
// RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 §8).
#include <openssl/rsa.h>

#include "crypto/digest.h"
#include "crypto/signatures.h"

namespace keymast::crypto {
namespace {

Hash HashOf(SignatureScheme scheme) {
  return scheme == SignatureScheme::kRsaPkcs1Sha1 ? Hash::kSha1 : Hash::kSha256;
}

// Prepared is a context for one signature; `init` is EVP_PKEY_sign_init or EVP_PKEY_verify_init.
PkeyContext Prepared(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*), SignatureScheme scheme,
                     const EVP_MD* digest) {
  PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  const bool is_pss = scheme == SignatureScheme::kRsaPssSha256;
  KEYMAST_CHECK(context != nullptr && init(context.get()) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(
                    context.get(), is_pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_CTX_set_signature_md(context.get(), digest) == 1);
  if (is_pss) {
    KEYMAST_CHECK(EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) == 1 &&
                  EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), digest) == 1);
  }
  return context;
}

}  // namespace

void RsaSign(const PrivateKey& key, SignatureScheme scheme, std::span<const ByteView> parts,
             MutableBytes out) {
  const Digest digest(HashOf(scheme), parts);
  const PkeyContext context =
      Prepared(key.native(), EVP_PKEY_sign_init, scheme, digest.algorithm());
  size_t size = out.size();
  KEYMAST_CHECK(EVP_PKEY_sign(context.get(), out.data(), &size, digest.octets().data(),
                              digest.octets().size()) == 1 &&
                size == out.size());
}

bool RsaVerify(const PublicKey& key, SignatureScheme scheme, std::span<const ByteView> parts,
               ByteView signature) {
  const ErrorsDropped dropped;
  const Digest digest(HashOf(scheme), parts);
  const PkeyContext context =
      Prepared(key.native(), EVP_PKEY_verify_init, scheme, digest.algorithm());
  return EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.octets().data(),
                         digest.octets().size()) == 1;
}

}  // namespace keymast::crypto
