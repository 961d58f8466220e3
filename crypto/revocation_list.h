// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/openssl.h"
#include "crypto/public_key.h"

namespace keymast::crypto {

using RevocationList = std::unique_ptr<X509_CRL, Freed<X509_CRL_free>>;

// ReadRevocationList refuses as TrustStore::AddRevocationList.
Result<RevocationList> ReadRevocationList(ByteView der);

}  // namespace keymast::crypto
