// SPDX-License-Identifier: Apache-2.0
#include "bench/certificates.h"

#include "bench/processes.h"

namespace keymast::bench {
namespace {

constexpr long kYear = 365L * 24 * 3600;

EVP_PKEY* MakeKey(KeyType type) {
  switch (type) {
    case KeyType::kP256:
      return EVP_EC_gen("P-256");
    case KeyType::kEd25519:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case KeyType::kRsa2048:
      return EVP_RSA_gen(2048);
  }
  return nullptr;
}

template <class T>
std::vector<uint8_t> DerOf(T* object, int (*write)(T*, unsigned char**)) {
  const int size = write(object, nullptr);
  Demand(size > 0, "OpenSSL writes no DER");
  std::vector<uint8_t> der(static_cast<size_t>(size));
  unsigned char* at = der.data();
  write(object, &at);
  return der;
}

}  // namespace

Certified MakeCertified(KeyType type) {
  Certified made{{MakeKey(type), EVP_PKEY_free}, {X509_new(), X509_free}};
  EVP_PKEY* key = made.key.get();
  X509* certificate = made.certificate.get();
  Demand(key != nullptr && certificate != nullptr, "OpenSSL makes no key");
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -kYear);
  X509_gmtime_adj(X509_getm_notAfter(certificate), kYear);
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>("peer");
  const EVP_MD* digest = type == KeyType::kEd25519 ? nullptr : EVP_sha256();
  const bool is_made = X509_set_version(certificate, 2) == 1 &&
                       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
                       X509_set_issuer_name(certificate, name) == 1 &&
                       X509_set_pubkey(certificate, key) == 1 &&
                       X509_sign(certificate, key, digest) > 0;
  Demand(is_made, "OpenSSL makes no certificate");
  return made;
}

std::vector<uint8_t> Certified::CertificateDer() const {
  return DerOf<const X509>(certificate.get(), i2d_X509);
}

std::vector<uint8_t> Certified::KeyDer() const {
  PKCS8_PRIV_KEY_INFO* info = EVP_PKEY2PKCS8(key.get());
  Demand(info != nullptr, "OpenSSL writes no key");
  std::vector<uint8_t> der = DerOf<const PKCS8_PRIV_KEY_INFO>(info, i2d_PKCS8_PRIV_KEY_INFO);
  PKCS8_PRIV_KEY_INFO_free(info);
  return der;
}

Sha256Fingerprint FingerprintOf(const X509* certificate) {
  Sha256Fingerprint fingerprint{};
  unsigned size = 0;
  const bool is_made = X509_digest(certificate, EVP_sha256(), fingerprint.data(), &size) == 1 &&
                       size == fingerprint.size();
  Demand(is_made, "OpenSSL makes no fingerprint");
  return fingerprint;
}

}  // namespace keymast::bench
