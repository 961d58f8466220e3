// SPDX-License-Identifier: Apache-2.0
#include "crypto/rsa_key.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "crypto/der.h"
#include "crypto/key_maker.h"

namespace keymast::crypto {
namespace {

// RFC 8017 §A.1.1.
Status ReadNumbers(ByteView der, std::array<Bignum, 2>& numbers) {
  const Result<ByteView> key = TakeOnly(der, kDerSequence);
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
  KEYMAST_CHECK(in.size() == static_cast<size_t>(EVP_PKEY_get_size(key)) &&
                out.size() == in.size());
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
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  for (size_t i = 0; i < numbers.size(); ++i) {
    KEYMAST_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), names[i], numbers[i].get()) == 1);
  }
  return ImportKey("RSA", selection, builder.get());
}

Result<PublicKey> ReadRsaPublic(ByteView der) {
  std::array<Bignum, 2> numbers;
  if (Status read = ReadNumbers(der, numbers); !read) return Err(read.error());
  const Status checked = CheckNumbers(numbers[0].get(), numbers[1].get());
  if (!checked) return Err(checked.error());
  const ErrorsDropped dropped;
  static constexpr std::array kNames = {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E};
  EVP_PKEY* key = Import(EVP_PKEY_PUBLIC_KEY, kNames, numbers);
  if (key == nullptr) return Err(Error::kMalformed);
  return KeyMaker::Public(KeyKind::kRsa, key);
}

}  // namespace keymast::crypto
