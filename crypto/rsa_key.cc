// SPDX-License-Identifier: Apache-2.0
#include "crypto/rsa_key.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "crypto/der.h"

namespace keymast::crypto {
namespace {

constexpr size_t kMaxSpki = 1024;  // a modulus of 4096 bits takes 550

size_t SizeOf(const EVP_PKEY* key) { return static_cast<size_t>(EVP_PKEY_get_size(key)); }

// ReadSpki reads modulus and exponent (RFC 5280 §4.1.2.7, RFC 8017 §A.1.1). OpenSSL's decoder takes
// as long for it as for a signature.
Status ReadSpki(ByteView der, std::array<Bignum, 2>& numbers) {
  const Result<ByteView> content = TakeOnly(der, kDerSequence);
  if (!content) return Err(content.error());
  Reader reader(*content);
  const ByteView algorithm = TakeElement(reader, kDerSequence);
  const ByteView bits = TakeElement(reader, kDerBitString);
  if (!reader.Finish()) return Err(Error::kMalformed);
  if (!IsRsaEncryption(algorithm)) return Err(Error::kUnsupportedAlgorithm);
  if (bits.empty() || bits[0] != 0) return Err(Error::kMalformed);  // no unused bits
  const Result<ByteView> key = TakeOnly(bits.subspan(1), kDerSequence);
  if (!key) return Err(Error::kMalformed);
  Reader inside(*key);
  for (Bignum& number : numbers) {
    number = TakeNumber(inside);
    if (number == nullptr) return Err(Error::kMalformed);
  }
  return inside.Finish() ? Status() : Err(Error::kMalformed);
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

EVP_PKEY* Import(int selection, std::span<const char* const> names,
                 std::span<const Bignum> numbers) {
  const std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
  for (size_t i = 0; i < numbers.size(); ++i) {
    KEYMAST_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), names[i], numbers[i].get()) == 1);
  }
  const std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>> params(
      OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  KEYMAST_CHECK(params != nullptr && context != nullptr &&
                EVP_PKEY_fromdata_init(context.get()) == 1);
  EVP_PKEY* key = nullptr;
  return EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) == 1 ? key : nullptr;
}

Result<PublicKey> PublicKey::FromSpki(ByteView der) {
  if (der.size() > kMaxSpki) return Err(Error::kTooLong);
  std::array<Bignum, 2> numbers;
  if (Status read = ReadSpki(der, numbers); !read) return Err(read.error());
  const Status checked = CheckNumbers(numbers[0].get(), numbers[1].get());
  if (!checked) return Err(checked.error());
  const ErrorsDropped dropped;
  static constexpr std::array kNames = {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E};
  std::shared_ptr<EVP_PKEY> key(Import(EVP_PKEY_PUBLIC_KEY, kNames, numbers), EVP_PKEY_free);
  if (key == nullptr) return Err(Error::kMalformed);
  return PublicKey(std::move(key));
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
