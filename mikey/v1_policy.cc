// SPDX-License-Identifier: Apache-2.0
#include "mikey/v1.h"

namespace keymast::mikey {

V1Policy V1Policy::Legacy() {
  V1Policy policy;
  policy.algorithms = {PrfFunc::kMikey1, EncrAlg::kAesCm128, MacAlg::kHmacSha1_160};
  policy.signature_hash = SignatureHash::kSha1;
  policy.take_sha1 = true;
  return policy;
}

bool V1Policy::Takes(const Algorithms& offered) const {
  const bool prf =
      offered.prf == PrfFunc::kHmacSha256 || (take_sha1 && offered.prf == PrfFunc::kMikey1);
  const bool mac =
      offered.mac == MacAlg::kHmacSha256_256 || (take_sha1 && offered.mac == MacAlg::kHmacSha1_160);
  const bool encr = offered.encr == EncrAlg::kAesCm128 || offered.encr == EncrAlg::kAesCm256;
  return prf && mac && encr;
}

bool V1Policy::Takes(HashFunc certificate_hash) const {
  return certificate_hash == HashFunc::kSha256 ||
         (take_sha1 && certificate_hash == HashFunc::kSha1);
}

bool V1Policy::Takes(DhGroup group) const {
  switch (group) {
    case DhGroup::kOakley5:
      return true;
    case DhGroup::kOakley1:
      return take_oakley1;
    case DhGroup::kOakley2:
      return take_oakley2;
    case DhGroup::kSecp256r1:  // of version 2
    case DhGroup::kX25519:
      break;
  }
  return false;
}

}  // namespace keymast::mikey
