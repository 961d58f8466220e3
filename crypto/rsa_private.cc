// SPDX-License-Identifier: Apache-2.0
// Reads RSA private keys. OpenSSL's own decoders leave the DER in freed memory, so the nine numbers
// are taken from it here, into memory that is cleared.
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "base/cursor.h"
#include "crypto/openssl.h"
#include "crypto/rsa_key.h"

namespace keymast::crypto {
namespace {

constexpr size_t kMaxDer = 8192;  // 4096 bits take 2,400
constexpr size_t kMaxPem = 4 * kMaxDer;

constexpr uint8_t kInteger = 0x02;
constexpr uint8_t kOctetString = 0x04;
constexpr uint8_t kSequence = 0x30;
// rsaEncryption with its NULL (RFC 8017 §A.1).
constexpr std::array<uint8_t, 13> kRsaEncryption = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                    0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

// TakeLength: lengths have the shortest form (X.690 §10.1); longer ones than two octets hold belong
// to no key.
size_t TakeLength(Reader& reader) {
  const uint8_t first = reader.U8();
  const size_t least = first == 0x81 ? 0x80 : first == 0x82 ? 0x100 : 0;
  if (least == 0 && first >= 0x80) return SIZE_MAX;
  const size_t length = first == 0x81 ? reader.U8() : first == 0x82 ? reader.U16() : first;
  return length < least ? SIZE_MAX : length;
}

// Take is the content of the next element, which has the tag; the reader fails otherwise.
ByteView Take(Reader& reader, uint8_t tag) {
  if (reader.U8() != tag) return reader.Take(SIZE_MAX);
  return reader.Take(TakeLength(reader));
}

// NumberIn is null for content that is no positive integer in its shortest form (X.690 §8.3).
Bignum NumberIn(ByteView content) {
  if (content.empty() || content[0] >= 0x80) return nullptr;
  if (content.size() > 1 && content[0] == 0 && content[1] < 0x80) return nullptr;
  Bignum number(BN_secure_new());
  KEYMAST_CHECK(number != nullptr);
  if (BN_bin2bn(content.data(), static_cast<int>(content.size()), number.get()) == nullptr ||
      BN_is_zero(number.get())) {
    return nullptr;
  }
  return number;
}

// RFC 8017 §A.1.2, in that order.
enum Part { kN, kE, kD, kP, kQ, kDp, kDq, kQInv, kParts };
constexpr std::array<const char*, kParts> kNames = {
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,           OSSL_PKEY_PARAM_RSA_D,
    OSSL_PKEY_PARAM_RSA_FACTOR1,   OSSL_PKEY_PARAM_RSA_FACTOR2,     OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
using Parts = std::array<Bignum, kParts>;

Status ReadPkcs1(ByteView der, Parts& parts) {
  Reader outer(der);
  Reader reader(Take(outer, kSequence));
  if (Status whole = outer.Finish(); !whole) return Err(Error::kMalformed);
  const ByteView version = Take(reader, kInteger);
  const bool is_two_prime = version.size() == 1 && version[0] == 0;
  if (reader.ok() && !is_two_prime) return Err(Error::kUnsupportedAlgorithm);
  for (Bignum& part : parts) {
    part = NumberIn(Take(reader, kInteger));
    if (part == nullptr) return Err(Error::kMalformed);
  }
  return reader.Finish() ? Status() : Err(Error::kMalformed);
}

// ReadPkcs8 finds PKCS#1 inside (RFC 5208 §5). Attributes may follow the key and mean nothing here.
Result<ByteView> ReadPkcs8(Reader reader) {
  const ByteView version = Take(reader, kInteger);
  const ByteView algorithm = Take(reader, kSequence);
  const ByteView key = Take(reader, kOctetString);
  if (!reader.ok()) return Err(Error::kMalformed);
  if (version.size() != 1 || version[0] > 1) return Err(Error::kUnsupportedAlgorithm);
  if (!Equal(algorithm, kRsaEncryption)) return Err(Error::kUnsupportedAlgorithm);
  return key;
}

// FindPkcs1 tells the two forms apart by what follows the version: PKCS#8 has the algorithm there.
Result<ByteView> FindPkcs1(ByteView der) {
  if (der.size() > kMaxDer) return Err(Error::kTooLong);
  Reader outer(der);
  const ByteView content = Take(outer, kSequence);
  if (!outer.ok()) return Err(Error::kMalformed);
  if (!outer.empty()) return Err(Error::kTrailingOctets);
  Reader probe(content);
  Take(probe, kInteger);
  if (!probe.ok()) return Err(Error::kMalformed);
  return probe.U8() == kSequence ? ReadPkcs8(Reader(content)) : Result<ByteView>(der);
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

EVP_PKEY* Import(const Parts& parts) {
  const std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
  for (size_t i = 0; i < kParts; ++i) {
    KEYMAST_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), kNames[i], parts[i].get()) == 1);
  }
  const std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>> params(
      OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  KEYMAST_CHECK(context != nullptr && params != nullptr &&
                EVP_PKEY_fromdata_init(context.get()) == 1);
  return EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) == 1 ? key
                                                                                     : nullptr;
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
    EVP_PKEY* imported = Import(parts);
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
