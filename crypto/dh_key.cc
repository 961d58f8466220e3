// SPDX-License-Identifier: Apache-2.0
#include "crypto/dh.h"
#include "crypto/public_key.h"

namespace keymast::crypto {

DhKey::DhKey(const PublicSuite& pk, DhGroup group, Rng& rng)
    : group_(group), private_value_(SecretKey<kDhPrivateSize>::OfSize(kDhPrivateSize)) {
  std::array<uint8_t, kMaxDhValue> value{};
  const MutableBytes out = MutableBytes(value).first(DhPublicSize(group));
  pk.dh_generate(group, rng, private_value_.mutable_view(), out);
  public_value_ = Octets<kMaxDhValue>(out);
}

bool DhKey::Agree(const PublicSuite& pk, ByteView peer_public, DhSecret& shared) const {
  KEYMAST_CHECK(!empty());
  shared = DhSecret::OfSize(DhSharedSize(group_));
  if (pk.dh_agree(group_, private_value_.view(), peer_public, shared.mutable_view())) return true;
  shared = {};
  return false;
}

}  // namespace keymast::crypto
