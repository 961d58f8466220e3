// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "crypto/openssl.h"
#include "crypto/public_key.h"

namespace keymast::crypto {

using RevocationList = std::unique_ptr<X509_CRL, Freed<X509_CRL_free>>;

// ReadRevocationList refuses as TrustStore::AddRevocationList.
Result<RevocationList> ReadRevocationList(ByteView der);

// Revoked is what a list is about: its issuer, and a hash of that and the serial number of each.
struct Revoked {
  Fingerprint issuer{};
  std::vector<std::array<uint8_t, 16>> certificates;
};
Revoked RevokedBy(X509_CRL* list);

}  // namespace keymast::crypto
