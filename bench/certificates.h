// SPDX-License-Identifier: Apache-2.0
// Self-signed certificates for peers that know each other's fingerprints, as in SDP.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <memory>
#include <vector>

namespace keymast::bench {

using KeyPointer = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using CertificatePointer = std::unique_ptr<X509, decltype(&X509_free)>;
using Sha256Fingerprint = std::array<uint8_t, 32>;

enum class KeyType { kP256, kEd25519, kRsa2048 };

struct Certified {
  KeyPointer key;
  CertificatePointer certificate;

  std::vector<uint8_t> CertificateDer() const;
  std::vector<uint8_t> KeyDer() const;  // PKCS#8
};
Certified MakeCertified(KeyType type);

Sha256Fingerprint FingerprintOf(const X509* certificate);

}  // namespace keymast::bench
