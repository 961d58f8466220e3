// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/crypto/make_certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "crypto/openssl.h"
#include "tests/data/rsa_keys.h"

namespace keymast::crypto {
namespace {

time_t At(long seconds) {
  return static_cast<time_t>(ToUnixNanos(kTestNow) / 1'000'000'000) + seconds;
}

void AddName(X509_NAME* name, const std::string& text) {
  KEYMAST_CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                           reinterpret_cast<const unsigned char*>(text.c_str()), -1,
                                           -1, 0) == 1);
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  if (value.empty()) return;
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  KEYMAST_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

void SetTimes(X509* certificate, const CertificateRecipe& recipe) {
  ASN1_TIME_set(X509_getm_notBefore(certificate), At(recipe.from));
  ASN1_TIME_set(X509_getm_notAfter(certificate), At(recipe.until));
}

using Native = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

Native NativeKey(std::string_view pem) {
  const std::unique_ptr<BIO, Freed<BIO_free>> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Native key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  KEYMAST_CHECK(key != nullptr);
  return key;
}

// DigestFor is what a key signs a digest of; Ed25519 signs what there is.
const EVP_MD* DigestFor(const EVP_PKEY* signer, const char* digest) {
  return EVP_PKEY_is_a(signer, "ED25519") == 1 ? nullptr : EVP_get_digestbyname(digest);
}

}  // namespace

PrivateKey TestKey(std::string_view pem) {
  Result<PrivateKey> key = PrivateKey::FromPem(AsBytes(pem));
  KEYMAST_CHECK(key.has_value());
  return *std::move(key);
}

Bytes MakeCertificate(const CertificateRecipe& recipe) {
  const Native key = NativeKey(recipe.key);
  const Native signer = NativeKey(recipe.signer);
  const X509Handle certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), recipe.serial);
  AddName(X509_get_subject_name(certificate.get()), recipe.subject);
  AddName(X509_get_issuer_name(certificate.get()), recipe.issuer);
  SetTimes(certificate.get(), recipe);
  X509_set_pubkey(certificate.get(), key.get());
  AddExtension(certificate.get(), NID_basic_constraints, recipe.basic_constraints);
  AddExtension(certificate.get(), NID_key_usage, recipe.key_usage);
  AddExtension(certificate.get(), NID_subject_alt_name, recipe.alt_names);
  AddExtension(certificate.get(), NID_subject_key_identifier, recipe.subject_key_id);
  AddExtension(certificate.get(), NID_ext_key_usage, recipe.extended_usage);
  AddExtension(certificate.get(), NID_crl_distribution_points, recipe.distribution_points);
  KEYMAST_CHECK(X509_sign(certificate.get(), signer.get(), DigestFor(signer.get(), recipe.digest)) >
                0);
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  KEYMAST_CHECK(size > 0);
  Bytes octets(der, std::next(der, size));
  OPENSSL_free(der);
  return octets;
}

namespace {

using List = std::unique_ptr<X509_CRL, Freed<X509_CRL_free>>;
using Time = std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>>;
using Name = std::unique_ptr<X509_NAME, Freed<X509_NAME_free>>;

void Revoke(X509_CRL* list, long serial) {
  X509_REVOKED* entry = X509_REVOKED_new();
  const std::unique_ptr<ASN1_INTEGER, Freed<ASN1_INTEGER_free>> number(ASN1_INTEGER_new());
  const Time date(ASN1_TIME_set(nullptr, At(-1000)));
  ASN1_INTEGER_set(number.get(), serial);
  KEYMAST_CHECK(X509_REVOKED_set_serialNumber(entry, number.get()) == 1 &&
                X509_REVOKED_set_revocationDate(entry, date.get()) == 1 &&
                X509_CRL_add0_revoked(list, entry) == 1);
}

void AddListExtensions(X509_CRL* list, const ListRecipe& recipe) {
  if (!recipe.distribution_point.empty()) {
    X509_EXTENSION* extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_issuing_distribution_point,
                            ("fullname:URI:" + recipe.distribution_point).c_str());
    KEYMAST_CHECK(extension != nullptr && X509_CRL_add_ext(list, extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }
  if (!recipe.authority_key_id.empty()) {
    const std::unique_ptr<AUTHORITY_KEYID, Freed<AUTHORITY_KEYID_free>> id(AUTHORITY_KEYID_new());
    id->keyid = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(id->keyid, recipe.authority_key_id.data(),
                          static_cast<int>(recipe.authority_key_id.size()));
    KEYMAST_CHECK(X509_CRL_add1_ext_i2d(list, NID_authority_key_identifier, id.get(), 0, 0) == 1);
  }
  if (recipe.is_delta) {
    const std::unique_ptr<ASN1_INTEGER, Freed<ASN1_INTEGER_free>> base(ASN1_INTEGER_new());
    ASN1_INTEGER_set(base.get(), 1);
    KEYMAST_CHECK(X509_CRL_add1_ext_i2d(list, NID_delta_crl, base.get(), 1, 0) == 1);
  }
}

}  // namespace

Bytes MakeRevocationList(const ListRecipe& recipe) {
  const Native signer = NativeKey(recipe.signer);
  const List list(X509_CRL_new());
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  const Name issuer(X509_NAME_new());
  AddName(issuer.get(), recipe.issuer);
  X509_CRL_set_issuer_name(list.get(), issuer.get());
  X509_CRL_set1_lastUpdate(list.get(), Time(ASN1_TIME_set(nullptr, At(recipe.from))).get());
  X509_CRL_set1_nextUpdate(list.get(), Time(ASN1_TIME_set(nullptr, At(recipe.until))).get());
  for (const long serial : recipe.revoked) Revoke(list.get(), serial);
  AddListExtensions(list.get(), recipe);
  KEYMAST_CHECK(X509_CRL_sign(list.get(), signer.get(), DigestFor(signer.get(), recipe.digest)) >
                0);
  unsigned char* der = nullptr;
  const int size = i2d_X509_CRL(list.get(), &der);
  KEYMAST_CHECK(size > 0);
  Bytes octets(der, std::next(der, size));
  OPENSSL_free(der);
  return octets;
}

CertificateRecipe AuthorityRecipe() {
  CertificateRecipe recipe;
  recipe.subject = "authority";
  recipe.key = testdata::kAuthorityKey;
  recipe.signer = testdata::kAuthorityKey;
  recipe.basic_constraints = "critical,CA:TRUE";
  recipe.key_usage = "critical,keyCertSign,cRLSign";
  return recipe;
}

CertificateRecipe EndRecipe() {
  CertificateRecipe recipe;
  recipe.key = testdata::kEndKey;
  recipe.signer = testdata::kAuthorityKey;
  return recipe;
}

}  // namespace keymast::crypto
