// SPDX-License-Identifier: Apache-2.0
#include "crypto/rsa_key.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "crypto/openssl.h"

namespace keymast::crypto {
namespace {

constexpr size_t kMaxSpki = 1024;  // a modulus of 4096 bits takes 550

size_t SizeOf(const EVP_PKEY* key) { return static_cast<size_t>(EVP_PKEY_get_size(key)); }

Bignum Number(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  return Bignum(number);
}

// IsWrittenAs: DER has one form of each key; what d2i lets pass besides is BER.
bool IsWrittenAs(const EVP_PKEY* key, ByteView der) {
  unsigned char* written = nullptr;
  const int size = i2d_PUBKEY(key, &written);
  const bool same = size >= 0 && Equal({written, static_cast<size_t>(size)}, der);
  OPENSSL_free(written);
  return same;
}

using Operation = int (*)(EVP_PKEY_CTX*, unsigned char*, size_t*, const unsigned char*, size_t);

bool Raw(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*), Operation operation, ByteView in,
         MutableBytes out) {
  KEYMAST_CHECK(in.size() == SizeOf(key) && out.size() == in.size());
  const ErrorsDropped dropped;
  const PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  KEYMAST_CHECK(context != nullptr && init(context.get()) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) == 1);
  size_t size = out.size();
  return operation(context.get(), out.data(), &size, in.data(), in.size()) == 1 &&
         size == out.size();
}

}  // namespace

Status CheckNumbers(const BIGNUM* modulus, const BIGNUM* exponent) {
  if (modulus == nullptr || exponent == nullptr) return Err(Error::kUnsupportedAlgorithm);
  const auto bits = static_cast<size_t>(BN_num_bits(modulus));
  const bool is_size = bits >= kMinModulusBits && bits <= kMaxModulusBits && bits % 8 == 0;
  const int exponent_bits = BN_num_bits(exponent);
  const bool is_exponent = exponent_bits >= 2 && exponent_bits <= 64 && BN_is_odd(exponent) == 1;
  if (!is_size || !is_exponent || BN_is_odd(modulus) != 1) return Err(Error::kUnsupportedAlgorithm);
  return {};
}

bool RawPublic(EVP_PKEY* key, ByteView in, MutableBytes out) {
  return Raw(key, EVP_PKEY_encrypt_init, EVP_PKEY_encrypt, in, out);
}

bool RawPrivate(EVP_PKEY* key, ByteView in, MutableBytes out) {
  return Raw(key, EVP_PKEY_decrypt_init, EVP_PKEY_decrypt, in, out);
}

Result<PublicKey> PublicKey::FromSpki(ByteView der) {
  if (der.size() > kMaxSpki) return Err(Error::kTooLong);
  const ErrorsDropped dropped;
  const unsigned char* at = der.data();
  const std::shared_ptr<EVP_PKEY> key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())),
                                      EVP_PKEY_free);
  if (key == nullptr) return Err(Error::kMalformed);
  if (at != der.data() + der.size()) return Err(Error::kTrailingOctets);
  if (EVP_PKEY_is_a(key.get(), "RSA") != 1) return Err(Error::kUnsupportedAlgorithm);
  const Bignum modulus = Number(key.get(), OSSL_PKEY_PARAM_RSA_N);
  const Bignum exponent = Number(key.get(), OSSL_PKEY_PARAM_RSA_E);
  if (Status checked = CheckNumbers(modulus.get(), exponent.get()); !checked) {
    return Err(checked.error());
  }
  if (!IsWrittenAs(key.get(), der)) return Err(Error::kNotCanonical);
  return PublicKey(key);
}

size_t PublicKey::modulus_size() const { return SizeOf(key_.get()); }

size_t PrivateKey::modulus_size() const { return SizeOf(key_.get()); }

PublicKey PrivateKey::PublicPart() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  KEYMAST_CHECK(size > 0);
  Result<PublicKey> key = PublicKey::FromSpki({der, static_cast<size_t>(size)});
  OPENSSL_free(der);
  KEYMAST_CHECK(key.has_value());
  return *std::move(key);
}

void PrivateKey::Release::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

}  // namespace keymast::crypto
