// SPDX-License-Identifier: Apache-2.0
// Reads RSA private keys. OpenSSL's own decoders leave the DER in freed memory, so the nine numbers
// are taken from it here, into memory that is cleared.
#include <openssl/core_names.h>

#include "crypto/der.h"
#include "crypto/rsa_key.h"

namespace keymast::crypto {
namespace {

constexpr size_t kMaxDer = 8192;  // 4096 bits take 2,400
constexpr size_t kMaxPem = 4 * kMaxDer;

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

// ReadPkcs8 finds PKCS#1 inside (RFC 5208 §5). Attributes may follow the key and mean nothing here.
Result<ByteView> ReadPkcs8(Reader reader) {
  const ByteView version = TakeElement(reader, kDerInteger);
  const ByteView algorithm = TakeElement(reader, kDerSequence);
  const ByteView key = TakeElement(reader, kDerOctetString);
  if (!reader.ok()) return Err(Error::kMalformed);
  if (version.size() != 1 || version[0] > 1) return Err(Error::kUnsupportedAlgorithm);
  if (!IsRsaEncryption(algorithm)) return Err(Error::kUnsupportedAlgorithm);
  return key;
}

// FindPkcs1 tells the two forms apart by what follows the version: PKCS#8 has the algorithm there.
Result<ByteView> FindPkcs1(ByteView der) {
  if (der.size() > kMaxDer) return Err(Error::kTooLong);
  const Result<ByteView> content = TakeOnly(der, kDerSequence);
  if (!content) return content;
  Reader probe(*content);
  TakeElement(probe, kDerInteger);
  if (!probe.ok()) return Err(Error::kMalformed);
  return probe.U8() == kDerSequence ? ReadPkcs8(Reader(*content)) : der;
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

SecretKey<32> HashOf(const Bignum& d, size_t size) {
  SecretBytes octets(size);
  BN_bn2binpad(d.get(), octets.data(), static_cast<int>(size));
  auto hash = SecretKey<32>::OfSize(32);
  unsigned length = 0;
  KEYMAST_CHECK(EVP_Digest(octets.data(), octets.size(), hash.mutable_view().data(), &length,
                           EVP_sha256(), nullptr) == 1);
  return hash;
}

constexpr std::string_view kEnd = "-----END ";

// BodyOf is the base64 text behind the first label of those; empty when there is none.
std::string_view BodyOf(std::string_view pem) {
  for (const std::string_view begin :
       {"-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----"}) {
    const size_t at = pem.find(begin);
    if (at == std::string_view::npos) continue;
    pem.remove_prefix(at + begin.size());
    const size_t end = pem.find(kEnd);
    return end == std::string_view::npos ? std::string_view() : pem.substr(0, end);
  }
  return {};
}

bool IsUnderPassphrase(std::string_view pem) {
  return pem.find("ENCRYPTED") != std::string_view::npos;  // in the label or in Proc-Type
}

}  // namespace

class PrivateKeyReader {
 public:
  static Result<PrivateKey> Make(const Parts& parts) {
    if (Status checked = CheckNumbers(parts[kN].get(), parts[kE].get()); !checked) {
      return Err(checked.error());
    }
    const ErrorsDropped dropped;
    if (!BelongTogether(parts)) return Err(Error::kMalformed);
    const auto size = static_cast<size_t>(BN_num_bytes(parts[kN].get()));
    if (BN_cmp(parts[kD].get(), parts[kN].get()) >= 0) return Err(Error::kMalformed);
    EVP_PKEY* imported = Import(EVP_PKEY_KEYPAIR, kNames, parts);
    if (imported == nullptr) return Err(Error::kMalformed);
    PrivateKey key(imported, HashOf(parts[kD], size));
    if (!UndoesItsPublicPart(imported, size)) return Err(Error::kMalformed);
    return key;
  }
};

Result<PrivateKey> PrivateKey::FromDer(ByteView der) {
  const Result<ByteView> pkcs1 = FindPkcs1(der);
  if (!pkcs1) return Err(pkcs1.error());
  Parts parts;
  if (Status read = ReadPkcs1(*pkcs1, parts); !read) return Err(read.error());
  return PrivateKeyReader::Make(parts);
}

Result<PrivateKey> PrivateKey::FromPem(ByteView pem) {
  if (pem.size() > kMaxPem) return Err(Error::kTooLong);
  if (IsUnderPassphrase(AsText(pem))) return Err(Error::kUnsupportedAlgorithm);
  const std::string_view body = BodyOf(AsText(pem));
  SecretBytes der(body.size());
  size_t size = 0;
  // libsodium's decoder looks nothing up by a secret index.
  if (body.empty() || sodium_base642bin(der.data(), der.size(), body.data(), body.size(), "\r\n \t",
                                        &size, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0) {
    return Err(Error::kMalformed);
  }
  return FromDer(ByteView(der).first(size));
}

}  // namespace keymast::crypto
