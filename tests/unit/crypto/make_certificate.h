// SPDX-License-Identifier: Apache-2.0
// Certificates made for a test, good or wrong in one way.
#pragma once

#include <string>
#include <vector>

#include "crypto/public_key.h"

namespace keymast::crypto {

PrivateKey TestKey(std::string_view pem);

// Each certificate is valid for a day around kTestNow unless told otherwise.
inline const Instant kTestNow = FromUnixNanos(1'800'000'000'000'000'000);

struct CertificateRecipe {
  std::string subject = "end";
  std::string issuer = "authority";
  std::string_view key;     // PEM
  std::string_view signer;  // PEM
  const char* digest = "SHA256";
  long from = -43200;  // seconds from kTestNow
  long until = 43200;
  std::string basic_constraints = {};  // as openssl's configuration has them; empty: no extension
  std::string key_usage = {};
  std::string alt_names = {};
  std::string extended_usage = {};
  std::string distribution_points = {};
  std::string subject_key_id = {};
  long serial = 7;
};

Bytes MakeCertificate(const CertificateRecipe& recipe);

// A list of revoked certificates, by serial number; its times are of thisUpdate and nextUpdate.
struct ListRecipe {
  std::string issuer = "authority";
  std::string_view signer;  // PEM
  std::vector<long> revoked = {};
  const char* digest = "SHA256";
  long from = -43200;  // seconds from kTestNow
  long until = 43200;
  std::string distribution_point = {};  // of issuingDistributionPoint; empty: no extension
  bool is_delta = false;
  Bytes authority_key_id = {};  // empty: no extension
};

Bytes MakeRevocationList(const ListRecipe& recipe);

// A self-signed authority over kAuthorityKey, and the recipe of an end certificate under it.
CertificateRecipe AuthorityRecipe();
CertificateRecipe EndRecipe();

}  // namespace keymast::crypto
