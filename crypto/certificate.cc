// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate.h"

#include <openssl/x509v3.h>

#include "crypto/authority.h"
#include "crypto/der.h"

namespace keymast::crypto {
namespace {

using GeneralNames = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

using ExtendedUsages = std::unique_ptr<EXTENDED_KEY_USAGE, Freed<EXTENDED_KEY_USAGE_free>>;
using Oid = std::unique_ptr<ASN1_OBJECT, Freed<ASN1_OBJECT_free>>;

// AnyName is true when `fits` is for the type and the octets of a subjectAltName of the kinds that
// we compare: URI, e-mail, DNS.
template <class Fits>
bool AnyName(const X509* certificate, Fits fits) {
  const ErrorsDropped dropped;
  const GeneralNames names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    if (type != GEN_URI && type != GEN_EMAIL && type != GEN_DNS) continue;
    const auto* text = static_cast<const ASN1_IA5STRING*>(value);
    const ByteView octets(ASN1_STRING_get0_data(text),
                          static_cast<size_t>(ASN1_STRING_length(text)));
    if (fits(type, octets)) return true;
  }
  return false;
}

bool NamesAuthority(int type, std::string_view name, const Authority& authority) {
  if (type == GEN_DNS) return !IsAddress(authority.host) && IsSameHost(name, authority.host);
  if (type != GEN_URI) return false;
  const std::optional<Authority> named = AuthorityOf(name);
  return named && IsSameHost(named->host, authority.host) && named->port == authority.port;
}

}  // namespace

Result<X509Handle> ReadX509(ByteView der) {
  if (der.size() > kMaxCertificate) return Err(Error::kTooLong);
  const ErrorsDropped dropped;
  const unsigned char* at = der.data();
  X509Handle certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (certificate == nullptr) return Err(Error::kMalformed);
  if (at != der.data() + der.size()) return Err(Error::kTrailingOctets);
  return certificate;
}

Result<Certificate> Certificate::FromDer(ByteView der) {
  Result<X509Handle> certificate = ReadX509(der);
  if (!certificate) return Err(certificate.error());
  const ErrorsDropped dropped;
  Result<PublicKey> key = KeyIn(der);
  if (!key) return Err(key.error());
  return Certificate(*std::move(certificate), *std::move(key), Sha256(der));
}

Result<PublicKey> Certificate::KeyIn(ByteView der) {
  const Result<ByteView> spki = SpkiIn(der);
  return spki ? PublicKey::FromSpki(*spki) : Err(spki.error());
}

// RFC 5280 §4.1: what stands before the key is walked over.
Result<ByteView> Certificate::SpkiIn(ByteView der) {
  if (der.size() > kMaxCertificate) return Err(Error::kTooLong);
  const Result<ByteView> signed_part = TakeOnly(der, kDerSequence);
  if (!signed_part) return Err(signed_part.error());
  Reader certificate(*signed_part);
  Reader tbs(TakeElement(certificate, kDerSequence));
  TakeOptional(tbs, kDerTagged0);  // version
  TakeElement(tbs, kDerInteger);   // serial number
  // signature, issuer, validity, subject
  for (int i = 0; i < 4; ++i) TakeElement(tbs, kDerSequence);
  const ByteView from_key = tbs.rest();
  TakeElement(tbs, kDerSequence);
  if (!certificate.ok() || !tbs.ok()) return Err(Error::kMalformed);
  return from_key.first(from_key.size() - tbs.remaining());
}

bool Certificate::Names(ByteView identity) const {
  if (identity.empty()) return false;
  return AnyName(certificate_.get(),
                 [identity](int, ByteView name) { return Equal(name, identity); });
}

bool Certificate::NamesAs(NameKind kind, ByteView identity) const {
  if (identity.empty()) return false;
  const int wanted = kind == NameKind::kUri ? GEN_URI : GEN_EMAIL;
  return AnyName(certificate_.get(),
                 [&](int type, ByteView name) { return type == wanted && Equal(name, identity); });
}

bool Certificate::NamesAuthorityOf(std::string_view uri) const {
  const std::optional<Authority> authority = AuthorityOf(uri);
  if (!authority) return false;
  return AnyName(certificate_.get(), [&authority](int type, ByteView name) {
    return NamesAuthority(type, AsText(name), *authority);
  });
}

bool Certificate::HasExtendedUsage(const std::string& oid) const {
  const ErrorsDropped dropped;
  const Oid wanted(OBJ_txt2obj(oid.c_str(), 1));
  const ExtendedUsages usages(static_cast<EXTENDED_KEY_USAGE*>(
      X509_get_ext_d2i(certificate_.get(), NID_ext_key_usage, nullptr, nullptr)));
  if (wanted == nullptr) return false;
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    if (OBJ_cmp(sk_ASN1_OBJECT_value(usages.get(), i), wanted.get()) == 0) return true;
  }
  return false;
}

Instant InstantOf(const ASN1_TIME* time) {
  const ErrorsDropped dropped;
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return kNever;
  const std::chrono::seconds seconds(timegm(&parts));
  const bool has_place = seconds < std::chrono::floor<std::chrono::seconds>(Duration::max());
  return has_place ? Instant(seconds) : kNever;  // certificates may end in the year 9999
}

Instant Certificate::NotBefore() const {
  return InstantOf(X509_get0_notBefore(certificate_.get()));
}

Instant Certificate::NotAfter() const { return InstantOf(X509_get0_notAfter(certificate_.get())); }

bool Certificate::MaySign() const {
  const ErrorsDropped dropped;
  return (X509_get_key_usage(certificate_.get()) & KU_DIGITAL_SIGNATURE) != 0;
}

bool Certificate::MayEncrypt() const {
  const ErrorsDropped dropped;
  return (X509_get_key_usage(certificate_.get()) & KU_KEY_ENCIPHERMENT) != 0;
}

}  // namespace keymast::crypto
