// SPDX-License-Identifier: Apache-2.0
// What private keys are packed in. OpenSSL's own decoders leave the DER in freed memory, so it is
// read here.
#include <sodium.h>

#include "crypto/der.h"
#include "crypto/key_maker.h"

namespace keymast::crypto {
namespace {

constexpr size_t kMaxDer = 8192;  // RSA of 4096 bits takes 2,400
constexpr size_t kMaxPem = 4 * kMaxDer;

// ReadPkcs8 (RFC 5208 §5, RFC 5958 §2): attributes and a public key may follow, and mean nothing
// here.
Result<PrivateKey> ReadPkcs8(Reader reader) {
  const ByteView version = TakeElement(reader, kDerInteger);
  const ByteView algorithm = TakeElement(reader, kDerSequence);
  const ByteView key = TakeElement(reader, kDerOctetString);
  if (!reader.ok()) return Err(Error::kMalformed);
  const std::optional<KeyKind> kind = KindOfAlgorithm(algorithm);
  if (!kind || version.size() != 1 || version[0] > 1) return Err(Error::kUnsupportedAlgorithm);
  return *kind == KeyKind::kRsa    ? ReadRsaPrivate(key)
         : *kind == KeyKind::kP256 ? ReadP256Private(key, true)
                                   : ReadEd25519Private(key);
}

constexpr std::string_view kEnd = "-----END ";

// BodyOf is the base64 text behind the first of those labels; empty when there is none.
std::string_view BodyOf(std::string_view pem) {
  size_t first = std::string_view::npos;
  std::string_view body;
  for (const std::string_view label :
       {"-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----"}) {
    const size_t at = pem.find(label);
    if (at >= first) continue;
    first = at;
    body = pem.substr(at + label.size());
  }
  const size_t end = body.find(kEnd);
  return end == std::string_view::npos ? std::string_view() : body.substr(0, end);
}

bool IsUnderPassphrase(std::string_view pem) {
  return pem.find("ENCRYPTED") != std::string_view::npos;  // in the label or in Proc-Type
}

}  // namespace

// What follows the version tells the forms apart: PKCS#8 has the algorithm there, SEC 1 the scalar,
// PKCS#1 the modulus.
Result<PrivateKey> PrivateKey::FromDer(ByteView der) {
  if (der.size() > kMaxDer) return Err(Error::kTooLong);
  const Result<ByteView> content = TakeOnly(der, kDerSequence);
  if (!content) return Err(content.error());
  Reader probe(*content);
  TakeElement(probe, kDerInteger);
  if (!probe.ok()) return Err(Error::kMalformed);
  const uint8_t tag = probe.U8();
  return tag == kDerSequence      ? ReadPkcs8(Reader(*content))
         : tag == kDerOctetString ? ReadP256Private(der, false)
                                  : ReadRsaPrivate(der);
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
