// SPDX-License-Identifier: Apache-2.0
// RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 §8).
#include <openssl/rsa.h>

#include "crypto/openssl.h"
#include "crypto/public_suite.h"

namespace keymast::crypto {
namespace {

// Digest hashes the parts; its algorithms are fetched once, which would cost as much as hashing a
// message.
class Digest {
 public:
  Digest(SignatureScheme scheme, std::span<const ByteView> parts) : md_(Algorithm(scheme)) {
    thread_local const Context context(EVP_MD_CTX_new());
    bool ok = EVP_DigestInit_ex2(context.get(), md_, nullptr) == 1;
    for (const ByteView part : parts) {
      ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
    }
    KEYMAST_CHECK(ok && EVP_DigestFinal_ex(context.get(), octets_.data(), &size_) == 1);
  }
  const EVP_MD* algorithm() const { return md_; }
  ByteView octets() const { return ByteView(octets_).first(size_); }

 private:
  using Context = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
  using Fetched = std::unique_ptr<EVP_MD, Freed<EVP_MD_free>>;

  static const EVP_MD* Algorithm(SignatureScheme scheme) {
    thread_local const Fetched sha1(EVP_MD_fetch(nullptr, "SHA1", nullptr));
    thread_local const Fetched sha256(EVP_MD_fetch(nullptr, "SHA256", nullptr));
    return scheme == SignatureScheme::kRsaPkcs1Sha1 ? sha1.get() : sha256.get();
  }

  const EVP_MD* md_;
  std::array<uint8_t, 32> octets_{};
  unsigned size_ = 0;
};

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

Result<size_t> RsaSign(const PrivateKey& key, SignatureScheme scheme,
                       std::span<const ByteView> parts, MutableBytes out) {
  if (out.size() < key.modulus_size()) return Err(Error::kTooLong);
  const Digest digest(scheme, parts);
  const PkeyContext context =
      Prepared(key.native(), EVP_PKEY_sign_init, scheme, digest.algorithm());
  size_t size = out.size();
  KEYMAST_CHECK(EVP_PKEY_sign(context.get(), out.data(), &size, digest.octets().data(),
                              digest.octets().size()) == 1);
  return size;
}

bool RsaVerify(const PublicKey& key, SignatureScheme scheme, std::span<const ByteView> parts,
               ByteView signature) {
  if (signature.size() != key.modulus_size()) return false;  // RFC 8017 §8.1.2, §8.2.2
  const ErrorsDropped dropped;
  const Digest digest(scheme, parts);
  const PkeyContext context =
      Prepared(key.native(), EVP_PKEY_verify_init, scheme, digest.algorithm());
  return EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.octets().data(),
                         digest.octets().size()) == 1;
}

}  // namespace keymast::crypto
