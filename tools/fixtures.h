// SPDX-License-Identifier: Apache-2.0
// Whose keys the published vectors have. They are published with what they protect, and protect
// nothing.
#pragma once

#include "crypto/public_key.h"
#include "mikey/identity.h"

namespace keymast::tools {

// Fixture is what is published of one party.
struct Fixture {
  const char* name;
  const char* identity;     // a URI
  const char* key;          // PEM of PKCS#8
  const char* certificate;  // DER in hexadecimal
};
extern const Fixture kAlice;
extern const Fixture kBob;
extern const Fixture kAliceEd25519;
extern const Fixture kBobEd25519;
extern const char* const kAuthorityCertificate;  // of who certified both
mikey::Identity IdentityOf(const Fixture& fixture);
crypto::PrivateKey KeyOf(const Fixture& fixture);
Bytes CertificateOf(const Fixture& fixture);

}  // namespace keymast::tools
