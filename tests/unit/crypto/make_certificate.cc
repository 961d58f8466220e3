// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/crypto/make_certificate.h"

#include <openssl/x509v3.h>

#include "crypto/openssl.h"
#include "tests/data/rsa_keys.h"

namespace keymast::crypto {
namespace {

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
  const auto now = static_cast<time_t>(ToUnixNanos(kTestNow) / 1'000'000'000);
  ASN1_TIME_set(X509_getm_notBefore(certificate), now + recipe.from);
  ASN1_TIME_set(X509_getm_notAfter(certificate), now + recipe.until);
}

}  // namespace

PrivateKey TestKey(std::string_view pem) {
  Result<PrivateKey> key = PrivateKey::FromPem(AsBytes(pem));
  KEYMAST_CHECK(key.has_value());
  return *std::move(key);
}

Bytes MakeCertificate(const CertificateRecipe& recipe) {
  const PrivateKey key = TestKey(recipe.key);
  const PrivateKey signer = TestKey(recipe.signer);
  const X509Handle certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 7);
  AddName(X509_get_subject_name(certificate.get()), recipe.subject);
  AddName(X509_get_issuer_name(certificate.get()), recipe.issuer);
  SetTimes(certificate.get(), recipe);
  X509_set_pubkey(certificate.get(), key.native());
  AddExtension(certificate.get(), NID_basic_constraints, recipe.basic_constraints);
  AddExtension(certificate.get(), NID_key_usage, recipe.key_usage);
  AddExtension(certificate.get(), NID_subject_alt_name, recipe.alt_names);
  KEYMAST_CHECK(X509_sign(certificate.get(), signer.native(), EVP_get_digestbyname(recipe.digest)) >
                0);
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
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
  recipe.key_usage = "critical,keyCertSign";
  return recipe;
}

CertificateRecipe EndRecipe() {
  CertificateRecipe recipe;
  recipe.key = testdata::kEndKey;
  recipe.signer = testdata::kAuthorityKey;
  return recipe;
}

}  // namespace keymast::crypto
