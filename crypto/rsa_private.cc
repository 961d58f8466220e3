// SPDX-License-Identifier: Apache-2.0
// Reads RSA private keys: the nine numbers, into memory that is cleared.
#include <openssl/core_names.h>

#include "crypto/der.h"
#include "crypto/key_maker.h"
#include "crypto/rsa_key.h"

namespace keymast::crypto {
namespace {

// RFC 8017 §A.1.2, in that order.
enum Part { kN, kE, kD, kP, kQ, kDp, kDq, kQInv, kParts };
constexpr std::array<const char*, kParts> kNames = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,           OSSL_PKEY_PARAM_RSA_D,
    OSSL_PKEY_PARAM_RSA_FACTOR1,   OSSL_PKEY_PARAM_RSA_FACTOR2,     OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
using Parts = std::array<Bignum, kParts>;

Status ReadPkcs1(ByteView der, Parts& parts) {
  const Result<ByteView> content = TakeOnly(der, kDerSequence);
  if (!content) return Err(Error::kMalformed);
  Reader reader(*content);
  const ByteView version = TakeElement(reader, kDerInteger);
  const bool is_two_prime = version.size() == 1 && version[0] == 0;
  if (reader.ok() && !is_two_prime) return Err(Error::kUnsupportedAlgorithm);
  for (Bignum& part : parts) {
    part = TakeNumber(reader);
    if (part == nullptr) return Err(Error::kMalformed);
  }
  return reader.Finish() ? Status() : Err(Error::kMalformed);
}

bool IsRemainder(const Bignum& d, const Bignum& prime, const Bignum& expected, BN_CTX* context) {
  const Bignum order(BN_dup(prime.get()));
  const Bignum rest(BN_secure_new());
  return BN_sub_word(order.get(), 1) == 1 &&
         BN_mod(rest.get(), d.get(), order.get(), context) == 1 &&
         BN_cmp(rest.get(), expected.get()) == 0;
}

// BelongTogether: n = pq, dP = d mod p-1, dQ = d mod q-1, qInv q = 1 mod p (RFC 8017 §3.2). Wrong
// ones would give wrong results, which betray the primes.
bool BelongTogether(const Parts& parts) {
  const BignumContext context(BN_CTX_secure_new());
  const Bignum product(BN_secure_new());
  return BN_mul(product.get(), parts[kP].get(), parts[kQ].get(), context.get()) == 1 &&
         BN_cmp(product.get(), parts[kN].get()) == 0 &&
         IsRemainder(parts[kD], parts[kP], parts[kDp], context.get()) &&
         IsRemainder(parts[kD], parts[kQ], parts[kDq], context.get()) &&
         BN_mod_mul(product.get(), parts[kQInv].get(), parts[kQ].get(), parts[kP].get(),
                    context.get()) == 1 &&
         BN_is_one(product.get());
}

// UndoesItsPublicPart: (m^e)^d = m holds only when e belongs to d and the primes are prime.
bool UndoesItsPublicPart(EVP_PKEY* key, size_t size) {
  const Bytes number(size, 1);  // below the modulus, whose top bit is set
  Bytes there(size);
  Bytes back(size);
  return RawPublic(key, number, there) && RawPrivate(key, there, back) && back == number;
}

}  // namespace

Result<PrivateKey> ReadRsaPrivate(ByteView der) {
  Parts parts;
  if (Status read = ReadPkcs1(der, parts); !read) return Err(read.error());
  if (Status checked = CheckNumbers(parts[kN].get(), parts[kE].get()); !checked) {
    return Err(checked.error());
  }
  const ErrorsDropped dropped;
  if (!BelongTogether(parts)) return Err(Error::kMalformed);
  SecretBytes d(static_cast<size_t>(BN_num_bytes(parts[kN].get())));
  if (BN_cmp(parts[kD].get(), parts[kN].get()) >= 0) return Err(Error::kMalformed);
  BN_bn2binpad(parts[kD].get(), d.data(), static_cast<int>(d.size()));
  EVP_PKEY* imported = Import(EVP_PKEY_KEYPAIR, kNames, parts);
  if (imported == nullptr) return Err(Error::kMalformed);
  PrivateKey key = KeyMaker::Private(KeyKind::kRsa, imported, d);
  if (!UndoesItsPublicPart(imported, d.size())) return Err(Error::kMalformed);
  return key;
}

}  // namespace keymast::crypto
