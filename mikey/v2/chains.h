// SPDX-License-Identifier: Apache-2.0
// Chains of certificates that stand one behind the other, as in a file.
#pragma once

#include "mikey/v2/credentials.h"

namespace keymast::mikey::v2 {

// ChainsOf certificates in DER: whoever is no authority begins the next chain.
std::vector<CertificateChain> ChainsOf(std::vector<Bytes> certificates);

}  // namespace keymast::mikey::v2
