// SPDX-License-Identifier: Apache-2.0
#include "mikey/v2/chains.h"

namespace keymast::mikey::v2 {

std::vector<CertificateChain> ChainsOf(std::vector<Bytes> certificates) {
  std::vector<CertificateChain> chains;
  crypto::TrustStore authorities;  // to ask who is one
  for (Bytes& der : certificates) {
    const bool is_authority = authorities.AddAnchor(der).has_value();
    if (!is_authority || chains.empty()) chains.emplace_back();
    chains.back().push_back(std::move(der));
  }
  return chains;
}

}  // namespace keymast::mikey::v2
